import { backoff, type Clock } from './clock.js';
import { endsSession, fromWire, ParleyError } from './errors.js';
import { Value } from './store.js';
import type { Page, Transport, TransportFactory } from './seams.js';
import type { Connection, Log } from './types.js';
import type { WireException } from './wire.js';

const ACK_MS = 10_000;
/** The handshake, in all: WebSocket, then polling. */
const CONNECT_MS = 25_000;
const PROBE_MS = 4_000;
/** Longer than a timer's delay or a busy server: the device slept. */
const SLEPT_MS = 30_000;
const BEAT_MS = 10_000;
const RETRY_BASE_MS = 500;
const RETRY_MOST_MS = 20_000;
/** Who loses the connection sooner was not really online, and waits longer and longer. */
const STABLE_MS = 5_000;

export interface LinkOptions {
  readonly url: string;
  readonly factory: TransportFactory;
  readonly transports: readonly ('websocket' | 'polling')[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly page: Page | null;
  readonly log: Log;
  /** Connected, again or for the first time. */
  onOpen(): void;
  onEvent(name: string, payload: unknown): void;
  onClosed(): void;
  /** The server ended the session. */
  onEnded(reason: ParleyError): void;
}

/** The connection: opened, watched, and opened again for as long as somebody is signed in. */
export class Link {
  readonly state: Value<Connection>;
  private token: string | undefined;
  private transport: Transport | undefined;
  private endTimer: (() => void) | undefined;
  private endBeat: (() => void) | undefined;
  private onlineSince = 0;
  private heardAt = 0;
  private notBefore = 0;
  private isProbing = false;
  /** The server said why it is about to close. */
  private lastWord: ParleyError | undefined;
  private endPage: (() => void) | undefined;

  constructor(private readonly options: LinkOptions) {
    this.state = new Value<Connection>({ state: 'idle', since: 0, synced: false, attempt: 0 });
  }

  get isOpen(): boolean {
    return this.state.get().state === 'online';
  }

  start(token: string): void {
    this.stop();
    this.token = token;
    this.notBefore = 0;
    this.endPage = this.options.page?.hear((what) => this.hear(what));
    this.connect(0);
  }

  stop(state: 'idle' | 'closed' = 'idle'): void {
    this.token = undefined;
    this.endPage?.();
    this.endPage = undefined;
    this.cut();
    this.become({ state, synced: false, attempt: 0 });
  }

  synced(): void {
    if (this.isOpen) this.state.set({ ...this.state.get(), synced: true });
  }

  retryNow(): void {
    const { state, attempt } = this.state.get();
    if (state !== 'waiting' && state !== 'offline') return;
    // Whoever the server has told to wait comes no sooner by asking.
    if (this.options.clock.now() >= this.notBefore) this.connect(attempt);
  }

  /** @throws ParleyError: `offline`, `timeout`, or what the server refused it for */
  async emit<T>(event: string, payload: object, timeoutMs = ACK_MS): Promise<T> {
    if (!this.transport || !this.isOpen) throw new ParleyError('offline', 'There is no connection.');
    const answer = await this.transport.emit(event, payload, timeoutMs);
    this.heardAt = this.options.clock.now();
    const told = answer as { ok?: boolean; error?: unknown } | null | undefined;
    if (told?.ok !== true) throw fromWire(told?.error);
    return answer as T;
  }

  /** Drops the connection, and comes again. */
  drop(reason: ParleyError): void {
    if (this.transport) this.closed(reason);
  }

  private connect(attempt: number): void {
    const { token, options } = this;
    if (token === undefined) return;
    this.cut();
    this.lastWord = undefined;
    this.become({ state: 'connecting', synced: false, attempt });
    this.endTimer = options.clock.after(CONNECT_MS, () =>
      this.drop(new ParleyError('timeout', 'The handshake was not answered.')),
    );
    // What an old connection says late concerns nobody.
    const mine = (): boolean => transport !== undefined && transport === this.transport;
    let transport: Transport | undefined;
    transport = options.factory(
      { url: options.url, token, transports: options.transports },
      {
        open: (name) => {
          if (mine()) this.opened(attempt, name);
        },
        event: (name, payload) => {
          if (!mine()) return;
          this.heardAt = options.clock.now();
          if (name === 'exception' && !(payload as WireException).request) this.lastWord = fromWire(payload);
          options.onEvent(name, payload);
        },
        closed: (reason) => {
          if (mine()) this.closed(reason);
        },
      },
    );
    this.transport = transport;
  }

  private opened(attempt: number, transport: 'websocket' | 'polling'): void {
    this.endTimer?.();
    this.onlineSince = this.heardAt = this.options.clock.now();
    this.become({ state: 'online', synced: false, attempt, transport });
    this.beat();
    this.options.onOpen();
  }

  private closed(given: ParleyError): void {
    const { clock, random } = this.options;
    const { state, attempt } = this.state.get();
    const reason = this.lastWord ?? given;
    this.cut();
    if (state === 'online') this.options.onClosed();
    if (endsSession(reason)) return this.options.onEnded(reason);
    const wasStable = state === 'online' && clock.now() - this.onlineSince >= STABLE_MS;
    const next = wasStable ? 0 : attempt + 1;
    const least = reason.retry_after_ms ?? 0;
    const wait = least + backoff(next, RETRY_BASE_MS, RETRY_MOST_MS, random);
    this.notBefore = clock.now() + least;
    const offline = this.options.page?.isOnline() === false;
    this.options.log('info', `Not connected: ${reason.message}`, { code: reason.code, retry_in_ms: wait });
    this.become({
      state: offline ? 'offline' : 'waiting',
      synced: false,
      attempt: next,
      retry_at: clock.now() + wait,
      reason,
    });
    // Also where the device says that it has no network: some say so of a network without internet.
    this.endTimer = clock.after(wait, () => this.connect(next));
  }

  /** Ends what there is, without a word. */
  private cut(): void {
    this.endTimer?.();
    this.endBeat?.();
    const { transport } = this;
    this.transport = undefined;
    transport?.close();
  }

  private become(next: Omit<Connection, 'since'>): void {
    this.state.set({ ...next, since: this.options.clock.now() });
  }

  /** A device that slept finds a socket that looks open: a timer that comes late says so. */
  private beat(): void {
    const { clock } = this.options;
    const due = clock.now() + BEAT_MS;
    this.endBeat = clock.after(BEAT_MS, () => {
      if (clock.now() - due > SLEPT_MS) void this.probe();
      this.beat();
    });
  }

  /** Asks whether anybody is there; where nobody is, the connection begins anew. */
  async probe(): Promise<void> {
    if (this.isProbing || !this.isOpen) return;
    const { transport, token } = this;
    this.isProbing = true;
    try {
      await this.emit('message', { token }, PROBE_MS);
    } catch (error) {
      if (transport === this.transport) this.drop(ParleyError.from(error));
    } finally {
      this.isProbing = false;
    }
  }

  private hear(what: Parameters<Parameters<Page['hear']>[0]>[0]): void {
    if (what === 'leave') {
      // An open socket keeps the page out of the back/forward cache.
      if (this.transport) this.closed(new ParleyError('offline', 'The page was left.'));
    } else if (what === 'offline') {
      // A socket that is cut off would look open for half a minute. One that was not is there again at once.
      if (this.isOpen) this.drop(new ParleyError('offline', 'There is no connection.'));
    } else if (what !== 'freeze' && what !== 'hidden' && what !== 'focus') {
      this.retryNow();
      if (this.options.clock.now() - this.heardAt > SLEPT_MS) void this.probe();
    }
  }
}
