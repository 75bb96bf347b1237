/*
 * The addresses of the app. Without anything of a page: the service worker reads them, too.
 */

/** parley-client's `ChatRef`, which only pages can import. */
type ChatRef =
  | { readonly type: 'room'; readonly user_id: number }
  | { readonly type: 'group'; readonly group_id: number }
  | { readonly type: 'bot' };

export type Route =
  | { readonly at: 'login' | 'register' | 'mail' | 'welcome' | 'forgot' | 'list' | 'mentions' | 'settings' | 'nothing' }
  | { readonly at: 'reset'; readonly token: string }
  | { readonly at: 'chat'; readonly ref: ChatRef; readonly seq?: number; readonly members?: true };

const NAMED = new Set(['login', 'register', 'mail', 'welcome', 'forgot', 'mentions', 'settings'] as const);
type Named = typeof NAMED extends Set<infer T> ? T : never;

const ID = /^[1-9]\d{0,14}$/;

/** @param path below the base, without a slash in front */
export function parse(path: string, query: URLSearchParams): Route {
  const [first = '', second = '', third, ...more] = path.replace(/\/$/, '').split('/');
  const at = Number(query.get('at'));
  const place = Number.isSafeInteger(at) && at > 0 ? { seq: at } : {};
  if (more.length > 0) return { at: 'nothing' };
  if (first === '' && second === '') return { at: 'list' };
  if (NAMED.has(first as Named) && second === '') return { at: first as Named };
  if (first === 'reset' && second !== '' && third === undefined) return { at: 'reset', token: second };
  if (first === 'helper' && second === '') return { at: 'chat', ref: { type: 'bot' }, ...place };
  if (first === 'with' && ID.test(second) && third === undefined)
    return { at: 'chat', ref: { type: 'room', user_id: Number(second) }, ...place };
  if (first === 'group' && ID.test(second)) {
    const ref: ChatRef = { type: 'group', group_id: Number(second) };
    if (third === undefined) return { at: 'chat', ref, ...place };
    if (third === 'members') return { at: 'chat', ref, members: true };
  }
  return { at: 'nothing' };
}
