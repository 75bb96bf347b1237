interface Said {
  /** Who: `server`, `client`, or something that is no part of the dialogue. */
  tnx?: string;
}

/** A logger for the mail library, which keeps what client and server say to each other, without passwords and without the mail itself. */
export class Dialogue {
  readonly lines: string[] = [];
  /** Another answer to the server is a secret, too: what comes after AUTH, line by line. */
  private isLoggingIn = false;

  constructor(private readonly say: (line: string) => void) {}

  // The levels that the library calls.
  readonly level = (): void => {};
  readonly trace = this.heard.bind(this);
  readonly debug = this.heard.bind(this);
  readonly info = this.heard.bind(this);
  readonly warn = this.heard.bind(this);
  readonly error = this.heard.bind(this);
  readonly fatal = this.heard.bind(this);

  private heard({ tnx }: Said, text: unknown, ...rest: unknown[]): void {
    // `%s` is the form of some of the library's lines.
    const said = String(text === '%s' ? rest[0] : text).trim();
    if (tnx === 'server') this.tell(`< ${this.ofServer(said)}`);
    else if (tnx === 'client') this.tell(`> ${this.ofClient(said)}`);
    else if (tnx === 'network' && /connection (established|upgraded)|TLS/i.test(said)) this.tell(`- ${said}`);
  }

  private tell(text: string): void {
    const lines = text.split(/\r?\n/).map((line, i) => (i === 0 ? line : `${text.slice(0, 1)} ${line}`));
    this.lines.push(...lines);
    for (const line of lines) this.say(line);
  }

  private ofServer(said: string): string {
    // 334 asks for the next part of a login.
    this.isLoggingIn = said.startsWith('334');
    return said;
  }

  private ofClient(said: string): string {
    if (this.isLoggingIn) return '(hidden)';
    return /^AUTH \S+ ./i.test(said) ? `${said.split(' ').slice(0, 2).join(' ')} (hidden)` : said;
  }
}
