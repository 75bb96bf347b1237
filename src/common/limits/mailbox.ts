const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/**
 * One key for all spellings of an address that end in one mailbox, to count mails by and nothing else: what follows a `+` is a tag
 * (RFC 5233), and Gmail has two domains and sees no dots. Two people whose server thinks otherwise share a count, and no account.
 * @param email a lower-case address, as `EmailField` makes it
 */
export function mailboxKey(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  // An address that begins with its tag has a name nowhere else.
  const name = /^[^+]+/.exec(email.slice(0, at))?.[0] ?? email.slice(0, at);
  return GMAIL.has(domain) ? `${name.replaceAll('.', '')}@gmail.com` : `${name}@${domain}`;
}
