import { createSecretKey } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { DomainError } from '../common/errors.js';
import { CONFIG, type Config } from '../config/config.js';
import { SECRET } from '../config/secret.js';
import type { Identity } from '../common/identity.js';

type TokenProblem = 'token_missing' | 'token_invalid' | 'token_expired' | 'session_revoked' | 'too_many_sockets';

/** There is no token, or it names no session that lives. */
export class Unauthenticated extends DomainError {
  constructor(code: TokenProblem, message: string) {
    super('unauthenticated', code, message);
  }

  /** Whether a socket is closed for it: one that has sent no token yet may still send one. */
  get closesSocket(): boolean {
    return this.code !== 'token_missing';
  }
}

export const tokenMissing = () =>
  new Unauthenticated(
    'token_missing',
    'Send the token from POST /http/login in the header `authentication`, or as `token` on the socket.',
  );
export const tokenInvalid = () =>
  new Unauthenticated('token_invalid', 'This is not a token of this server. Log in again.');
export const tokenExpired = () => new Unauthenticated('token_expired', 'The session has expired. Log in again.');
export const sessionRevoked = () => new Unauthenticated('session_revoked', 'The session has ended. Log in again.');

/** To those alone who know the password or have the link to a new address, and on sockets that are open. */
export const suspended = () =>
  new DomainError('forbidden', 'suspended', 'This account is suspended. Ask those who run this server.');

export const tooManySockets = (most: number) =>
  new Unauthenticated('too_many_sockets', `A session may have ${most} sockets open. Close one first.`);

/** Some 300 bytes each. */
const REMEMBERED_TOKENS = 10_000;

/** So that the token of another program with the same secret does not pass for one of ours. */
const ISSUER = 'parley';
const AUDIENCE = 'parley';

interface Claims {
  /** Tokens without these two are valid until they expire: Parley has not always set them. */
  iss?: string;
  aud?: string;
  sub: string;
  sid: number;
  exp: number;
}

/** Signs and reads access tokens: JWTs that name a user and a session. It does not check whether the session still lives. */
@Injectable()
export class AccessTokens {
  /** The first one signs; the others only verify tokens that were signed before the secret was changed. */
  private readonly keys: readonly [JwtService, ...JwtService[]];
  /** Tokens whose signature was verified, the most recently used ones: it stays valid until they expire. */
  private readonly known = new LRUCache<string, Claims>({ max: REMEMBERED_TOKENS });

  constructor(
    @Inject(SECRET) secret: string,
    @Inject(CONFIG)
    { jwtSecretPrevious: previous }: Pick<Config, 'jwtSecretPrevious'> = { jwtSecretPrevious: undefined },
  ) {
    this.keys = [jwtWith(secret), ...(previous === undefined ? [] : [jwtWith(previous)])];
  }

  sign({ userId, sessionId }: Identity, expiresAt: Date): string {
    return this.keys[0].sign({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: String(userId),
      sid: sessionId,
      exp: Math.floor(expiresAt.getTime() / 1000),
    });
  }

  /** @throws Unauthenticated */
  read(token: string): Identity {
    const { sub, sid, exp } = this.known.get(token) ?? this.verify(token);
    if (exp * 1000 <= Date.now()) throw tokenExpired();
    return { userId: Number(sub), sessionId: sid };
  }

  private verify(token: string): Claims {
    let isExpired = false;
    for (const key of this.keys) {
      try {
        const claims = key.verify<Claims>(token);
        if (!isOurs(claims)) break;
        this.known.set(token, claims);
        return claims;
      } catch (error) {
        isExpired ||= (error as Error).name === 'TokenExpiredError';
      }
    }
    throw isExpired ? tokenExpired() : tokenInvalid();
  }
}

const isOurs = ({ iss, aud }: Claims): boolean =>
  (iss === ISSUER && aud === AUDIENCE) || (iss === undefined && aud === undefined);

function jwtWith(secret: string): JwtService {
  // A KeyObject: with a plain string, each verification parses it anew and takes forty times as long.
  const key = createSecretKey(Buffer.from(secret));
  return new JwtService({
    secretOrKeyProvider: () => key,
    signOptions: { algorithm: 'HS256' },
    // Only this algorithm: a token must not choose how it is verified.
    verifyOptions: { algorithms: ['HS256'] },
  });
}
