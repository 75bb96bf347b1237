const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/**
 * One key for all addresses that lead to one mailbox, used only to count mails: the part behind a `+` is a tag (RFC 5233), and Gmail has two
 * domains and ignores dots. Two users whose mail server does otherwise share a count, and nothing else.
 * @param email a lower-case address, as `EmailField` makes it
 */
export function mailboxKey(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  // An address that begins with a `+` has no name before its tag.
  const name = /^[^+]+/.exec(email.slice(0, at))?.[0] ?? email.slice(0, at);
  return GMAIL.has(domain) ? `${name.replaceAll('.', '')}@gmail.com` : `${name}@${domain}`;
}
