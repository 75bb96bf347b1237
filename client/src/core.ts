import { Attention } from './attention.js';
import type { BaseChat } from './chat.js';
import { Chats } from './chats.js';
import { backoff, sleep, type Clock } from './clock.js';
import { ParleyError } from './errors.js';
import { Groups } from './groups.js';
import { Http } from './http.js';
import { InboxList } from './inbox.js';
import { Link } from './link.js';
import { callOf, Mentions } from './mentions.js';
import { Outbox, type OutboxNews } from './outbox.js';
import { People } from './people.js';
import { Server } from './server.js';
import type { ServerEvent } from './server-events.js';
import { callAll, onAbort, Value, type Until } from './store.js';
import { Sync } from './sync.js';
import type { Me, Message } from './data.js';
import type { Page, ParleyStorage, Tabs, TransportFactory } from './seams.js';
import type { Events, Log } from './types.js';

export interface CoreOptions {
  readonly url: string;
  readonly storage: ParleyStorage;
  readonly transport: TransportFactory;
  readonly transports: readonly ('websocket' | 'polling')[];
  readonly fetch: typeof fetch;
  readonly tabs: Tabs;
  /** Other tabs may share the storage. */
  readonly isShared: boolean;
  readonly page: Page | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** The server ended the session. */
  onEnded(reason: ParleyError): void;
  /** The user's own profile, as it is now. */
  onMe(me: Me): void;
}

/** What the parts of one client share: its parts, who is signed in, its listeners. */
export class Core {
  declare readonly clock: Clock;
  declare readonly random: () => number;
  declare readonly log: Log;
  declare readonly page: Page | null;
  declare readonly tabs: Tabs;
  declare readonly isShared: boolean;
  declare readonly storage: ParleyStorage;
  declare readonly onEnded: CoreOptions['onEnded'];
  declare readonly onMe: CoreOptions['onMe'];
  readonly http: Http;
  readonly link: Link;
  readonly server: Server;
  readonly outbox: Outbox;
  readonly people: People;
  readonly groups: Groups;
  readonly chats: Chats;
  readonly inbox: InboxList;
  readonly sync: Sync;
  readonly attention: Attention;
  readonly mentions: Mentions;
  /** Rises with everything that the inbox shows, and with what chats know of each other. */
  readonly version = new Value(0);
  token: string | undefined;
  me: Me | undefined;
  isClosed = false;
  isFrozen = false;
  private generation = 0;
  private readonly listeners = new Map<string, Set<(event: never) => void>>();
  private readonly ends: (() => void)[] = [];

  constructor(options: CoreOptions) {
    Object.assign(this, options);
    this.http = new Http(options.url, options.fetch, this.clock, () => this.token);
    this.link = new Link({
      ...options,
      factory: options.transport,
      onOpen: () => void this.sync.run(),
      onEvent: (name, payload) => this.sync.hear({ name, payload } as ServerEvent),
      onClosed: () => this.sync.lost(),
    });
    this.server = new Server(this);
    this.outbox = new Outbox(this);
    this.people = new People(this);
    this.groups = new Groups(this);
    this.chats = new Chats(this);
    this.inbox = new InboxList(this);
    this.sync = new Sync(this);
    this.attention = new Attention(this);
    this.mentions = new Mentions(this);
  }

  /** 0: nobody is signed in. */
  get userId(): number {
    return this.me?.id ?? 0;
  }

  get isSynced(): boolean {
    return this.link.state.get().synced;
  }

  get isVisible(): boolean {
    return !this.isFrozen && (this.page?.isVisible() ?? true);
  }

  /** Messages and lists are kept for the next start: of a page, not of a program. */
  get isCaching(): boolean {
    return this.page !== null;
  }

  /** @returns whether the same user is still signed in, in the same session */
  guard(): () => boolean {
    const { generation } = this;
    return () => generation === this.generation && !this.isClosed;
  }

  newId(): string {
    // randomUUID is for secure contexts alone.
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleep(this.clock, ms, signal);
  }

  /** How long to wait before trying again, in ms: as long as the server says, and longer each time. */
  pauseAfter(error: ParleyError, tries: number, base = 1_000, most = 30_000): number {
    return (error.retry_after_ms ?? 0) + backoff(tries, base, most, this.random);
  }

  /** Waits for what may take for ever, and goes on without it. */
  async atMost(ms: number, work: Promise<unknown>): Promise<void> {
    let end: () => void = () => {};
    await Promise.race([work, new Promise<void>((resolve) => (end = this.clock.after(ms, resolve)))]);
    end();
  }

  /** Something that lists show has changed. */
  bump(): void {
    this.version.set(this.version.get() + 1);
  }

  /** Something failed where nobody waits for it. */
  failed(thrown: unknown): undefined {
    const error = ParleyError.from(thrown);
    this.log('error', error.message, { code: error.code });
    this.emit('error', error);
    return undefined;
  }

  /** A list, for what is shown. Undefined: it could not be read, or somebody else is signed in meanwhile. */
  async read<T>(path: string): Promise<T[] | undefined> {
    const isCurrent = this.guard();
    try {
      const rows = await this.http.list<T>(path);
      return isCurrent() ? rows : undefined;
    } catch (error) {
      if (isCurrent()) this.log('warn', 'A list could not be read.', { path, error: String(error) });
      return undefined;
    }
  }

  /** Writes to the storage, some time soon. */
  keep(key: string, value: unknown): void {
    this.storage.write(new Map([[key, value]])).catch((error: unknown) => this.failed(error));
  }

  on<K extends keyof Events>(event: K, listener: (e: Events[K]) => void, options?: Until): () => void {
    const listeners = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, listeners);
    const one = (e: Events[K]): void => listener(e);
    listeners.add(one);
    onAbort(options?.signal, () => listeners.delete(one));
    return () => void listeners.delete(one);
  }

  emit<K extends keyof Events>(event: K, e: Events[K]): void {
    callAll((this.listeners.get(event) ?? []) as Iterable<(e: Events[K]) => void>, (listener) => listener(e));
  }

  /* ---------------------------------------------------------------------------------------------------- Signing in and out */

  /** Somebody is signed in: what this device remembers is shown, and the connection begins. */
  async begin(me: Me, token: string): Promise<void> {
    this.generation++;
    this.me = me;
    this.token = token;
    this.sync.isLoaded = false;
    if (this.ends.length === 0) this.listen();
    const isCurrent = this.guard();
    await Promise.all([this.outbox.load(), this.readDrafts(), this.inbox.show()]).catch((error: unknown) =>
      this.failed(error),
    );
    if (isCurrent()) this.link.start(token);
    this.bump();
  }

  /** Nobody is signed in any more. */
  end(reason: ParleyError): void {
    this.link.stop();
    this.keepDrafts();
    this.outbox.clear(reason);
    this.generation++;
    this.me = this.token = undefined;
    const { server, sync, inbox, chats, people, groups, attention, mentions } = this;
    for (const part of [server, sync, inbox, chats, people, groups, attention, mentions]) part.forget();
    this.bump();
  }

  async close(): Promise<void> {
    this.keepDrafts();
    this.outbox.pause();
    this.link.stop('closed');
    await this.outbox.written();
    this.isClosed = true;
    this.end(new ParleyError('closed', 'The client was closed.'));
    this.link.stop('closed');
    for (const end of this.ends.splice(0)) end();
    this.tabs.close?.();
    await this.storage.close?.();
  }

  /** All that is kept of this user, but for what they wrote and did not send. */
  async wipeCache(user: number): Promise<void> {
    const keys = [...(await this.storage.read(`cache:${user}:`)).keys()];
    if (keys.length > 0) await this.storage.write(new Map(keys.map((key) => [key, undefined])));
  }

  private listen(): void {
    this.ends.push(this.tabs.hear((message) => this.hearTab(message as { about?: string })));
    if (this.page) this.ends.push(this.page.hear((what) => this.hearPage(what)));
  }

  private hearTab(message: { about?: string }): void {
    if (message.about === 'outbox') this.outbox.hear(message as OutboxNews);
    if (message.about === 'attention') this.attention.heard((message as { what?: string }).what ?? '');
    if (message.about === 'draft') {
      const { user, chat, text } = message as { user?: number; chat?: string; text?: string };
      if (user === this.userId && chat !== undefined) this.chats.get(chat).draft.found(text ?? '');
    }
  }

  private hearPage(what: Parameters<Parameters<Page['hear']>[0]>[0]): void {
    if (what === 'hidden' || what === 'leave' || what === 'freeze') this.keepDrafts();
    // A lock that a frozen tab holds would silence the others; one that a page holds keeps it out of the back/forward cache.
    if (what === 'freeze' || what === 'leave') {
      this.isFrozen = true;
      this.outbox.pause();
    }
    if (what === 'thaw' || what === 'return') {
      this.isFrozen = false;
      if (this.link.isOpen) this.outbox.resume();
    }
    for (const chat of this.chats.all())
      if (chat.isAttached) {
        chat.views.looked();
        chat.marks.sendSoon();
      }
  }

  private keepDrafts(): void {
    for (const chat of this.chats.all()) chat.draft.keep();
  }

  private async readDrafts(): Promise<void> {
    const isCurrent = this.guard();
    const prefix = `draft:${this.userId}:`;
    const drafts = await this.storage.read(prefix);
    if (isCurrent())
      for (const [key, text] of drafts) this.chats.get(key.slice(prefix.length)).draft.found(String(text));
  }

  /** Oneself, renamed. */
  setMe(me: Me): void {
    this.me = Object.freeze(me);
    this.onMe(this.me);
    this.bump();
  }

  /** A message that nobody here knew of. */
  isNew(chat: BaseChat, message: Message, call = callOf(message, this.userId)): void {
    const mine = message.user_id === this.userId;
    if (!mine && (call.isNamed || call.isEveryone)) chat.called(message.seq);
    this.emit('message', { chat, message, mine });
    if (!mine && !message.deleted && (this.listeners.get('attention')?.size ?? 0) > 0)
      void this.attention.call(chat, message, call);
    this.inbox.keepSoon();
  }
}
