import { readFileSync } from 'node:fs';
import { type Config, ConfigError } from '../config/config.js';

/** Errors of the mail library. */
export interface MailError extends Error {
  code?: string;
  /** The SMTP command that failed. */
  command?: string;
  /** The number with which the server's answer begins. */
  responseCode?: number;
}

const SECOND = 1_000;

/** The connection to the server in SMTP_URL; each step of a mail has a deadline. @throws ConfigError */
export const smtpOptions = (smtpUrl: string, { smtpTls, smtpCa }: Pick<Config, 'smtpTls' | 'smtpCa'>) => ({
  url: smtpUrl,
  connectionTimeout: 15 * SECOND,
  greetingTimeout: 15 * SECOND,
  dnsTimeout: 15 * SECOND,
  // Silence within a command. Not shorter: a mail that a slow server has taken after all would be sent again.
  socketTimeout: 30 * SECOND,
  requireTLS: smtpTls === 'required',
  // Where clear text is allowed, a certificate that cannot be checked is, too.
  tls: {
    rejectUnauthorized: smtpTls === 'required' || smtpCa !== undefined,
    ...(smtpCa && { ca: certificates(smtpCa) }),
  },
});

function certificates(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `SMTP_CA cannot be read (${(error as NodeJS.ErrnoException).code}): name a file in PEM format.`,
    );
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new ConfigError('SMTP_CA holds no certificate: name a file in PEM format.');
  return text;
}

/** What the operator can do about it, where that is known. */
export function cureFor({ message, code, command, responseCode }: MailError): string | undefined {
  if (code === 'ETLS' && command === 'STARTTLS' && !message.includes('initiating TLS'))
    return 'the mail server offers no STARTTLS; use smtps://, or set SMTP_TLS=optional where the way to it is safe';
  if (/altnames|does not match certificate/i.test(message))
    return "the mail server's certificate is for another name; use that name in SMTP_URL";
  if (/certificate has expired/i.test(message)) return "the mail server's certificate has expired; renew it";
  if (/self.signed|unable to (verify|get) |certificate/i.test(message))
    return "the mail server's certificate cannot be checked; set SMTP_CA to the file of its authority, or of the certificate itself";
  if (code === 'ETLS' || /wrong version number|ssl3_get_record/i.test(message))
    return 'the mail server does not speak TLS there; smtps:// is for port 465, smtp:// for 587';
  if (code === 'EAUTH') return 'the mail server does not take the user and password of SMTP_URL';
  if (command === 'MAIL FROM' && (responseCode ?? 0) >= 500) return 'the mail server refuses the sender; set MAIL_FROM';
  return undefined;
}
