import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import PostalMime from 'postal-mime';
import { CONFIG, type Config } from '../config/config.js';
import { cureFor, type MailError } from './smtp.js';

/** Nest's injection token for the MailTransport. */
export const MAIL_TRANSPORT = Symbol('mail transport');

export interface Mail {
  /** Its id in the outbox; the same at each attempt. */
  id: number;
  /** The left half of its Message-ID. */
  name: string;
  to: string;
  createdAt: Date;
  subject: string;
  text: string;
  html: string;
}

/** Sends mails. */
export interface MailTransport {
  /** How many mails may be sent at the same time. */
  readonly atOnce: number;
  /** Resolves once the mail is taken for good. `signal` interrupts it. */
  send(mail: Mail, signal: AbortSignal): Promise<void>;
  /** Deletes what was sent to an address, where that is possible. */
  forget?(to: string): Promise<void>;
}

// An object: an address as text would be parsed as a list.
const message = ({ name, to, subject, text, html, createdAt }: Mail, domain: string) => ({
  messageId: `<${name}@${domain}>`,
  to: { name: '', address: to },
  subject,
  text,
  html,
  date: createdAt,
});

export function domainOf({ mailFrom }: Pick<Config, 'mailFrom'>): string {
  const domain = /@([^\s<>@]+)>?$/.exec(mailFrom)?.[1];
  if (domain === undefined) throw new Error('MAIL_FROM is no address.');
  return domain;
}

/** Sends mails by the server in SMTP_URL. */
@Injectable()
export class SmtpTransport implements MailTransport {
  readonly atOnce = 5;
  private readonly logger = new Logger('Mail');
  private readonly domain: string;

  constructor(
    private readonly mailer: MailerService,
    @Inject(CONFIG) config: Config,
  ) {
    this.domain = domainOf(config);
  }

  async send(mail: Mail, signal: AbortSignal): Promise<void> {
    // The types do not have the signal yet.
    await this.mailer.sendMail({ ...message(mail, this.domain), signal });
  }

  /** Tries the server once, and warns in one line where it cannot be used; mails wait in the outbox meanwhile. */
  async diagnose(): Promise<void> {
    await this.mailer
      .getTransporter()
      .verify()
      .catch((error: MailError) => {
        const cure = cureFor(error) ?? 'check SMTP_URL';
        this.logger.warn(
          `The mail server in SMTP_URL cannot be used (${error.message.trim()}): ${cure}. Mails wait in the outbox.`,
        );
      });
  }
}

export const outboxFolder = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'outbox');

/** Without a mail server: each mail becomes a file, `<time>-<outbox id>.eml`, that any mail program opens. */
@Injectable()
export class FileTransport implements MailTransport {
  // One after another, so that the files have the order of the outbox.
  readonly atOnce = 1;
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly mailer: MailerService,
    private readonly folder: string,
    private readonly domain: string,
  ) {}

  async send(mail: Mail): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const name = `${mail.createdAt.toISOString().replace(/[:.]/g, '-')}-${mail.id}.eml`;
    // The mail was written before a crash that kept its row.
    if (existsSync(join(this.folder, name))) return;
    const { message: bytes } = (await this.mailer.sendMail(message(mail, this.domain))) as { message: Buffer };
    const draft = join(this.folder, `.${name}`);
    const file = await open(draft, 'w', 0o600);
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    await rename(draft, join(this.folder, name));
    // The file's name, never the link in it: more people read logs than mails.
    this.logger.log(`Mail ${mail.id} is written to ${join(this.folder, name)}, and not sent (no SMTP_URL)`);
  }

  /** Reads all files: only they know their recipient. */
  async forget(to: string): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    // Also drafts that a crash left behind.
    for (const name of names.filter((one) => one.endsWith('.eml'))) {
      const file = join(this.folder, name);
      // Another erasure was faster, or a draft to another recipient was renamed: drafts to this one are finished by now.
      const bytes = await readFile(file).catch(undefinedWhereGone);
      const mail = bytes && (await PostalMime.parse(bytes));
      if (mail?.to?.some(({ address }) => address === to)) await rm(file, { force: true });
    }
  }
}

function undefinedWhereGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
