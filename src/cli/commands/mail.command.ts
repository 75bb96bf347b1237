import { randomUUID } from 'node:crypto';
import { MailerService } from '@nestjs-modules/mailer';
import { createTransport } from 'nodemailer';
import { isEmail } from 'class-validator';
import { appUrlOf } from '../../config/app-url.js';
import type { Config } from '../../config/config.js';
import { makeDataFolder } from '../../config/data-folder.js';
import { SEND_WITHIN_MS } from '../../mail/mail-delivery.js';
import { renderMail } from '../../mail/layout.js';
import { mailerOptions } from '../../mail/mailer-options.js';
import { testMail } from '../../mail/mails.js';
import { cureFor, type MailError } from '../../mail/smtp.js';
import { domainOf, FileTransport, outboxFolder, SmtpTransport } from '../../mail/transport.js';
import { type AddCommands, perform } from '../command.js';
import { UsageError } from '../failure.js';
import { Dialogue } from '../smtp-dialogue.js';

export const mailCommands: AddCommands = (program, done) => {
  const group = program.command('mail').summary('try the mail server').description('Tries the mail server.');
  perform(
    group
      .command('test')
      .summary('send a mail, and print what the mail server says')
      .description(
        `Sends one mail to <address> in the way in which the server sends its own, and prints what both sides said, without
the password. Without SMTP_URL, it becomes a file in DATA_DIR/outbox, as all mails do. It may run beside the server.`,
      )
      .argument('<address>', 'who gets the mail'),
    done,
    async ({ out, config }, _options, address) => {
      if (address === undefined || !isEmail(address))
        throw new UsageError(`${address} is no mail address. For example: parley mail test you@example.com`);
      const settings = config();
      if (!settings.smtpUrl) makeDataFolder(settings);
      const dialogue = new Dialogue((line) => out.line(line));
      const failure = await send(settings, address, dialogue);
      const where = settings.smtpUrl ? new URL(settings.smtpUrl).host : outboxFolder(settings);
      const text = failure
        ? `The mail was not sent (${failure.message.trim().replace(/\s+/g, ' ')}): ${cureFor(failure) ?? (settings.smtpUrl ? 'check SMTP_URL and the address' : 'run it as the user of the server')}.`
        : settings.smtpUrl
          ? `${where} has taken the mail. Whether it arrives, the mailbox shows; look among the spam, too.`
          : `The mail is a file in ${where}, and was not sent: set SMTP_URL.`;
      out.line(text);
      out.json({ ok: !failure, server: where, dialogue: dialogue.lines, result: text });
      return !failure;
    },
  );
};

/** @returns why it was not taken; undefined where it was */
async function send(config: Config, address: string, dialogue: Dialogue): Promise<MailError | undefined> {
  const options = mailerOptions(config);
  if (config.smtpUrl) Object.assign(options.transport as object, { logger: dialogue, debug: true });
  const mailer = new MailerService(options, {
    createTransport: () => createTransport(options.transport, options.defaults),
  });
  const transport = config.smtpUrl
    ? new SmtpTransport(mailer, config)
    : new FileTransport(mailer, outboxFolder(config), domainOf(config));
  const abort = new AbortController();
  const deadline = setTimeout(() => abort.abort(), SEND_WITHIN_MS);
  const content = renderMail(testMail({ home: appUrlOf(config) ?? config.publicUrl }));
  try {
    // Not in the outbox, whose ids are from 1 on.
    const mail = { id: 0, name: `test-${randomUUID()}`, to: address, createdAt: new Date(), ...content };
    await transport.send(mail, abort.signal);
    return undefined;
  } catch (error) {
    return error as MailError;
  } finally {
    clearTimeout(deadline);
  }
}
