import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The key of the secret, and that of the one before it, if there was one. */
type Keys = readonly [Uint8Array, ...Uint8Array[]];

/**
 * Encrypts mails while they wait: their links are as good as passwords, and must not be readable in a copy of the database, or in a page of it
 * that was freed and not overwritten yet. AES-256-GCM with a key derived from the server's secret.
 */
export class Seal {
  /** The first one encrypts; all of them decrypt. */
  private readonly keys: Keys;
  private readonly indexKeys: Keys;

  /** @param previous the secret before this one: see JWT_SECRET_PREVIOUS */
  constructor(secret: string, previous?: string) {
    const keysFor = (purpose: string): Keys => [
      keyFor(purpose, secret),
      ...(previous === undefined ? [] : [keyFor(purpose, previous)]),
    ];
    this.keys = keysFor('parley mail outbox');
    this.indexKeys = keysFor('parley mail recipient');
  }

  /** A keyed hash: the same for the same text, so that rows can be found by it, and of no use without the secret. */
  blindIndex(text: string): string {
    return hmac(this.indexKeys[0], text);
  }

  /** The blind index under the present secret, and under the one before. */
  blindIndexes(text: string): string[] {
    return this.indexKeys.map((key) => hmac(key, text));
  }

  encrypt(content: unknown): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keys[0], iv);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws where it was encrypted under another secret, or changed since */
  decrypt(sealed: string): unknown {
    let failure: unknown;
    for (const key of this.keys) {
      try {
        return opened(sealed, key);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

const keyFor = (purpose: string, secret: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32));

const hmac = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex');

function opened(sealed: string, key: Uint8Array): unknown {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return JSON.parse(decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8'));
}
