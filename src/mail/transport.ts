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
  /** The outbox's number for it; the same at each attempt. */
  id: number;
  /** The left half of its Message-ID. */
  name: string;
  to: string;
  createdAt: Date;
  subject: string;
  text: string;
  html: string;
}

/** Takes one mail for good, or throws. */
export interface MailTransport {
  /** How many mails it takes at once. */
  readonly atOnce: number;
  /** Breaks off where `signal` says so. */
  send(mail: Mail, signal: AbortSignal): Promise<void>;
  /** Deletes what was sent to an address, where that is in its power. */
  forget?(to: string): Promise<void>;
}

// As an object: an address given as text would be parsed as a list.
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

/** Hands mails to the server in SMTP_URL. */
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
    // The typings are older than the signal.
    await this.mailer.sendMail({ ...message(mail, this.domain), signal });
  }

  /** Tries the server once and says in one line what is wrong; mails wait in the outbox meanwhile. */
  async diagnose(): Promise<void> {
    const transporter = (this.mailer as unknown as { transporter: { verify(): Promise<unknown> } }).transporter;
    await transporter.verify().catch((error: MailError) => {
      const cure = cureFor(error) ?? 'check SMTP_URL';
      this.logger.warn(
        `The mail server in SMTP_URL refuses (${error.message.trim()}): ${cure}. Mails wait in the outbox.`,
      );
    });
  }
}

export const outboxFolder = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'outbox');

/** Without a mail server: each mail becomes a file, `<time>-<outbox id>.eml`, that any mail program opens. */
@Injectable()
export class FileTransport implements MailTransport {
  // One after another: their files then have the order in which they were written.
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
    // Written before a crash that kept the row: it is the same mail.
    if (existsSync(join(this.folder, name))) return;
    const { message: bytes } = (await this.mailer.sendMail(message(mail, this.domain))) as { message: Buffer };
    const draft = join(this.folder, `.${name}`);
    const file = await open(draft, 'w', 0o600);
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    await rename(draft, join(this.folder, name));
    // The file, never the link in it: logs are read by more people than mails.
    this.logger.log(`Mail ${mail.id} stays in ${join(this.folder, name)} (no SMTP_URL)`);
  }

  /** Reads each file: what is in there is known to nobody else. */
  async forget(to: string): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    // Drafts that a crash left behind, too.
    for (const name of names.filter((one) => one.endsWith('.eml'))) {
      const file = join(this.folder, name);
      // Another erasure was faster, or a draft to somebody else has got its name: drafts to this one are written by now.
      const bytes = await readFile(file).catch(undefinedWhereGone);
      const mail = bytes && (await PostalMime.parse(bytes));
      if (mail?.to?.some(({ address }) => address === to)) await rm(file, { force: true });
    }
  }
}

function undefinedWhereGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
