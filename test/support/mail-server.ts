import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { eventually } from './client.js';

/** A real SMTP server. */
export class MailServer {
  readonly received: { from: string; to: string[]; email: Email; raw: string; isSecure: boolean }[] = [];
  /** Answers recipients with an error of this code. */
  refuse?: number | undefined;
  /** Recipients that it leaves without an answer. */
  stalls: (address: string) => boolean = () => false;
  /** Those, as long as it leaves them so. */
  readonly stalled: { address: string; letGo: () => void }[] = [];
  private server?: SMTPServer;

  constructor(
    readonly port: number,
    private readonly options: SMTPServerOptions = { disabledCommands: ['STARTTLS'] },
  ) {}

  async start(): Promise<this> {
    this.server = new SMTPServer({
      authOptional: true,
      closeTimeout: 100,
      ...this.options,
      onRcptTo: ({ address }, _session, done) => {
        const answer = () =>
          done(this.refuse ? Object.assign(new Error('no such user here'), { responseCode: this.refuse }) : null);
        if (this.stalls(address)) this.stalled.push({ address, letGo: answer });
        else answer();
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const raw = Buffer.concat(chunks);
          const { mailFrom, rcptTo } = session.envelope;
          void PostalMime.parse(raw).then((email) => {
            this.received.push({
              from: mailFrom ? mailFrom.address : '',
              to: rcptTo.map(({ address }) => address),
              email,
              raw: raw.toString(),
              isSecure: session.secure,
            });
            done();
          });
        });
      },
    });
    // A client that refuses the certificate is no error of ours.
    this.server.on('error', () => {});
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
    return this;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.server!.connections.size;
  }

  letGo(): void {
    this.stalls = () => false;
    for (const { letGo } of this.stalled.splice(0)) letGo();
  }

  stop = () => new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));

  mailTo = (address: string, count = 1) =>
    eventually(
      () => this.received.filter(({ to }) => to.includes(address))[count - 1],
      `mail ${count} to ${address}`,
      20_000,
    );
}
