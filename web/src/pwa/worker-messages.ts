/* Between pages and the service worker. */

export type FromPage =
  /** Answered on the port that comes with it: whether all these addresses are of the worker's build. */
  | { readonly about: 'version'; readonly files: readonly string[] }
  /** Without waiting until the pages of the build before are closed. */
  | { readonly about: 'activate' };

/** A notification was clicked: its conversation, as a path of this origin. */
export interface Opens {
  readonly about: 'open';
  readonly path: string;
}
