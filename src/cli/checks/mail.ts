import { createTransport } from 'nodemailer';
import { isLoopbackName } from '../../config/loopback.js';
import { cureFor, type MailError, smtpOptions } from '../../mail/smtp.js';
import { domainOf, outboxFolder } from '../../mail/transport.js';
import { type Check, fail, type Found, ok, warn } from './check.js';

/** Shorter than those of a mail that is sent: somebody waits. */
const DEADLINES = { connectionTimeout: 8_000, greetingTimeout: 8_000, dnsTimeout: 8_000, socketTimeout: 10_000 };

export const mail: Check = {
  name: 'mail',
  async look(config) {
    if (!config.smtpUrl) {
      const text = `No SMTP_URL: mails become files in ${outboxFolder(config)}, and reach nobody.`;
      return [config.production ? warn(`${text} Set SMTP_URL and MAIL_FROM.`) : ok(text)];
    }
    const { host, username } = new URL(config.smtpUrl);
    const transport = createTransport({ ...smtpOptions(config.smtpUrl, config), ...DEADLINES });
    const sender: Found[] = isLoopbackName(domainOf(config))
      ? [warn(`MAIL_FROM is ${config.mailFrom}, from where most servers take no mail. Set it to an address of yours.`)]
      : [];
    try {
      await transport.verify();
      const login = username ? ', and takes the login' : '';
      return [ok(`${host} answers${login}. parley mail test <address> sends a mail.`), ...sender];
    } catch (error) {
      const { message } = error as MailError;
      const said = message.trim().replace(/\s+/g, ' ');
      return [fail(`${host} cannot be used (${said}): ${cureFor(error as MailError) ?? 'check SMTP_URL'}.`), ...sender];
    } finally {
      transport.close();
    }
  },
};
