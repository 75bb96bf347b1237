import type { MailerOptions } from '@nestjs-modules/mailer';
import type { Config } from '../config/config.js';
import { smtpOptions } from './smtp.js';

/** How mails leave: by the server in SMTP_URL, or as bytes for a file. @throws ConfigError */
export const mailerOptions = (config: Config): MailerOptions => ({
  transport: config.smtpUrl
    ? smtpOptions(config.smtpUrl, config)
    : { streamTransport: true, buffer: true, newline: 'unix' },
  defaults: {
    from: config.mailFrom,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  } as NonNullable<MailerOptions['defaults']>,
});
