import { Unauthenticated } from './access-tokens.js';

type Headers = Record<string, string | string[] | undefined>;

/** A token, also where it stands behind the word `Bearer`. */
export const withoutBearer = (token: string): string => token.replace(/^Bearer +/i, '');

/** `authentication: <token>`, the protocol's own, or `Authorization: Bearer <token>`, the web's habit. */
export function tokenInHeaders({ authentication, authorization }: Headers): string | undefined {
  if (typeof authentication === 'string' && authentication) return withoutBearer(authentication);
  return /^Bearer +(\S+)$/i.exec(String(authorization ?? ''))?.[1];
}

/**
 * The token of a socket's handshake, in `auth` or in a header; undefined where there is none yet.
 * @throws Unauthenticated where it is in the address alone
 */
export function tokenOfHandshake(handshake: { auth: object; headers: Headers; query: object }): unknown {
  const token = (handshake.auth as { token?: unknown }).token ?? tokenInHeaders(handshake.headers);
  if (token != null) return token;
  if ((handshake.query as { token?: unknown }).token !== undefined) throw tokenInAddress();
  return undefined;
}

const tokenInAddress = () =>
  new Unauthenticated(
    'token_missing',
    'A token in the address is not taken, since addresses end up in logs. Send it in the handshake as `auth: { token }`.',
  );
