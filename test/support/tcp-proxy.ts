import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How a client's driver sends `COMMIT`: three bytes of length, a number, COM_QUERY, the text. To MySQL it says before the text that
 * no parameters and one set of them come with it.
 */
const COMMITS = [
  [7, 0, 0, 0, 3],
  [9, 0, 0, 0, 3, 0, 1],
].map((head) => Buffer.from([...head, ...Buffer.from('COMMIT')]));
const ROLLBACK = Buffer.from('ROLLBACK');
const hasCommit = (chunk: Buffer): boolean => COMMITS.some((commit) => chunk.includes(commit));

/** What happens to a COMMIT: it is carried out and the answer is lost, or it never arrives. */
export type LostPart = 'answer' | 'commit';

/** Stands between the server and its database, and breaks connections in the worst moments. */
export class TcpProxy {
  /** COMMITs that were cut so far. */
  cuts = 0;
  private toLose: LostPart | undefined;
  /** What the transaction must have sent whose COMMIT is lost. */
  private mustHaveSent = '';
  private isRefusing = false;
  private refusesAfterCut = false;
  private leavesHalfOpen = false;
  /** Nothing passes, either way, and nothing is closed; connections that were there in this time stay so for ever. */
  private isMute = false;
  private goesMute = false;
  private readonly connections = new Set<Socket>();
  private readonly silences = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    private targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (client) => proxy.carry(client));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** For the root of the server behind it, in clear text: a COMMIT must be seen to be cut. */
  urlOf(database: string): string {
    return `mysql://root@127.0.0.1:${this.port}/${database}?ssl-mode=DISABLED`;
  }

  /**
   * Cuts the connection of the next COMMIT.
   * @param options `of`: a text of a statement: COMMITs of transactions without it pass; `andRefuse`: nobody gets through any more, until
   *   `accept`; `halfOpen`: the database does not notice
   */
  loseNext(part: LostPart, { of = '', andRefuse = false, halfOpen = false } = {}): void {
    this.toLose = part;
    this.mustHaveSent = of;
    this.refusesAfterCut = andRefuse;
    this.leavesHalfOpen = halfOpen;
  }

  /** New connections go there; those that are open stay. */
  leadTo(port: number): void {
    this.targetPort = port;
  }

  /** As a firewall that forgets, or a host that is gone: nobody is told anything any more, until `speak`. */
  mute(): void {
    this.isMute = true;
    for (const silence of this.silences) silence();
  }

  /** The same, in the moment of the next COMMIT of a transaction that sends `of`: it is carried out without an answer, or never arrives. */
  muteAt(part: LostPart, of: string): void {
    this.toLose = part;
    this.mustHaveSent = of;
    this.goesMute = true;
  }

  /** For new connections: nobody remembers the old ones. */
  speak(): void {
    this.isMute = false;
  }

  /** Cuts every connection, and each new one. */
  refuse(): void {
    this.isRefusing = true;
    for (const connection of this.connections) connection.destroy();
  }

  accept(): void {
    this.isRefusing = false;
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private carry(client: Socket): void {
    if (this.isRefusing) return void client.destroy();
    const database = connect(this.targetPort, '127.0.0.1');
    let isAnswerLost = false;
    /** The transaction under way has sent the text for which `loseNext` waits. */
    let hasSent = false;
    let isCut = false;
    let isSilent = this.isMute;
    const silence = () => void (isSilent = true);
    this.silences.add(silence);
    for (const [from, to] of [
      [client, database],
      [database, client],
    ]) {
      this.connections.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.connections.delete(from);
        // Who is mute does not hear that the other one has gone.
        if (!isSilent && (!isCut || !this.leavesHalfOpen)) to.destroy();
      });
    }
    const cut = () => {
      isCut = true;
      this.cuts++;
      client.destroy();
      if (!this.leavesHalfOpen) database.destroy();
      if (this.refusesAfterCut) this.refuse();
    };
    const lose = () => {
      if (!this.goesMute) return cut();
      this.goesMute = false;
      this.cuts++;
      this.mute();
    };
    client.on('data', (chunk) => {
      if (isSilent) return;
      hasSent ||= this.toLose !== undefined && chunk.includes(this.mustHaveSent);
      const isCommit = hasCommit(chunk);
      const part = isCommit && hasSent ? this.toLose : undefined;
      if (part) this.toLose = undefined;
      if (isCommit || chunk.includes(ROLLBACK)) hasSent = false;
      if (part === 'commit') return lose();
      if (part === 'answer') isAnswerLost = true;
      database.write(chunk);
    });
    // The answer is what shows that it was carried out.
    database.on('data', (chunk) => {
      if (isSilent) return;
      if (isAnswerLost) lose();
      else client.write(chunk);
    });
  }
}
