import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps mails unreadable while they wait: their links are as good as passwords, and a copy of the database, or a page of it
 * that was freed and not yet overwritten, must not hold one. AES-256-GCM under a key made from the server's secret.
 */
export class Seal {
  private readonly key: Uint8Array;
  private readonly markKey: Uint8Array;

  constructor(secret: string) {
    this.key = new Uint8Array(hkdfSync('sha256', secret, '', 'parley mail outbox', 32));
    this.markKey = new Uint8Array(hkdfSync('sha256', secret, '', 'parley mail recipient', 32));
  }

  /** The same for the same text, and nothing to anybody without the secret. */
  mark(text: string): string {
    return createHmac('sha256', this.markKey).update(text).digest('hex');
  }

  close(content: unknown): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws where it was sealed under another secret, or changed since */
  open(sealed: string): unknown {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return JSON.parse(
      decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8'),
    );
  }
}
