import type { Config } from './config.js';

/** Where people chat, without a trailing slash: at the operator's own pages, else in the web client. Undefined where there is neither. */
export const appUrlOf = ({ appUrl, webClientFolder, publicUrl }: Config): string | undefined =>
  appUrl ?? (webClientFolder === undefined ? undefined : publicUrl);
