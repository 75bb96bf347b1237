import type { EntityManager } from 'typeorm';
import { EmailLink } from './email/email-link.entity.js';
import { endExports } from './export/end-exports.js';
import { PasswordReset } from './password-reset.entity.js';

/**
 * Inside a transaction that gives an account another password or another address: links that were asked for until then are of no use any
 * more, whoever has asked for them; so is an export. Ways back to former addresses stay.
 */
export async function endWaitingLinks(tx: EntityManager, userId: number): Promise<void> {
  await tx.delete(PasswordReset, { userId });
  await tx.delete(EmailLink, { userId, isReturn: false });
  await endExports(tx, userId);
}

/**
 * Inside a transaction that gives an account a role: whoever reads the mail of an address that was the account's before, or that was asked
 * for before, gets no way into it.
 */
export async function endEmailLinks(tx: EntityManager, userId: number): Promise<void> {
  await tx.delete(EmailLink, { userId });
}
