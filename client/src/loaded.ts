import { ChatCache } from './chat-cache.js';
import type { BaseChat } from './chat.js';
import { ParleyError } from './errors.js';
import { deferred, quiet, type Deferred } from './promises.js';
import { quoteOf, requoted } from './quotes.js';
import type { Until } from './store.js';
import type { Message, Quote, Timeline } from './data.js';
import type { HistoryQuery } from './types.js';
import { newerOf, Window } from './window.js';
import type { WireMessage } from './wire.js';

/** How many messages a page has. */
export const PAGE = 100;
/** Past the number of any message, which a page `before` it takes for the newest. */
const NEWEST = 2_147_483_647;
/** Of a chat that nobody has open. */
const KEPT = 100;
/** Of one that is open, where the reader is at the end: bounds what a page that is open for days holds. */
const MOST_OPEN = 12_000;
const KEPT_OPEN = 10_000;
const MOST_CHANGES = 200;

/** The messages of a chat that are loaded, and loading more of them: older ones, newer ones, those around a place. */
export class LoadedMessages {
  readonly window = new Window();
  /** The window was begun with a page, be it an empty one. */
  hasWindow = false;
  /** All edits and deletions up to this number stand in the window. */
  knownChange = 0;
  /** Late answers to questions of an earlier window are dropped. */
  generation = 0;
  loading: Timeline['loading'];
  error: ParleyError | undefined;
  /** Own messages that are acknowledged, while what lies before them is still on its way. */
  readonly ahead = new Map<string, Message>();
  readonly cache: ChatCache;
  private readonly changes = new Map<number, Message>();
  private readonly loads = new Map<string, Promise<void>>();
  private ready: Deferred<void> | undefined;
  /** Somebody goes to a place that is not loaded yet. */
  private jump: Promise<void> | undefined;

  constructor(private readonly chat: BaseChat) {
    this.cache = new ChatCache(chat);
  }

  /** New messages belong at its end. */
  get isAtEnd(): boolean {
    return this.hasWindow && this.window.atEnd;
  }

  /** Somebody is on the way to a place: what is loaded then is theirs. */
  get isJumping(): boolean {
    return this.jump !== undefined;
  }

  /* ------------------------------------------------------------------------------------------------------------- What happens */

  /** A message that exists since just now. */
  append(message: Message): void {
    if (!this.isAtEnd) return;
    this.window.merge([message]);
    this.tidy();
    this.reachFor();
  }

  /** There is more than is loaded. What nobody has open is loaded again when somebody does. */
  reachFor(): void {
    const { chat } = this;
    if (!this.isAtEnd || this.window.last >= chat.lastSeq) return;
    if (chat.isAttached) chat.catchUp.soon();
    else this.drop();
  }

  /** A message was edited or deleted. */
  apply(message: Message): void {
    const { chat, changes, window } = this;
    const known = changes.get(message.seq);
    changes.delete(message.seq);
    changes.set(message.seq, known ? newerOf(known, message) : message);
    if (changes.size > MOST_CHANGES) changes.delete(changes.keys().next().value!);
    if (window.change(message)) this.cache.keepSoon();
    if (chat.lastMessage) chat.lastMessage = this.upToDate(chat.lastMessage);
  }

  /** A page that was asked for before a change and comes after it shows the old text, or quotes it. */
  upToDate(message: Message): Message {
    const change = this.changes.get(message.seq);
    const now = change ? newerOf(message, change) : message;
    return requoted(now, now.reply_to && this.known(now.reply_to.seq));
  }

  known(seq: number): Message | undefined {
    const { lastMessage } = this.chat;
    const shown = this.window.at(seq) ?? (lastMessage?.seq === seq ? lastMessage : undefined);
    const changed = this.changes.get(seq);
    return shown && changed ? newerOf(shown, changed) : (shown ?? changed);
  }

  /** What a message quotes that waits to be sent. */
  quote(seq: number): Quote {
    const message = this.known(seq);
    return message ? quoteOf(message) : Object.freeze({ seq, user_id: null, message: '', is_unknown: true });
  }

  /** It is about to be quoted, also where it is loaded no more by then. */
  keepQuoted(seq = 0): void {
    const message = this.known(seq);
    if (message) this.apply(message);
  }

  /** An own message was acknowledged: it is shown, though others before it may not have come yet. */
  acknowledged(message: Message): void {
    if (message.client_id !== undefined && this.hasWindow && !this.window.at(message.seq))
      this.ahead.set(message.client_id, message);
  }

  /** What this user has stored under a name, as far as it is loaded. */
  ownMessage(client_id: string): Message | undefined {
    const { userId } = this.chat.core;
    return this.window.messages.findLast((one) => one.client_id === client_id && one.user_id === userId);
  }

  /** Nobody has the chat open any more. */
  closed(): void {
    if (this.isAtEnd) this.window.keepNewest(KEPT);
    // A place in the past is nobody's any more: the next one begins at the end.
    else this.drop();
  }

  drop(): void {
    this.generation++;
    this.hasWindow = false;
    this.window.reset([], false);
    this.ahead.clear();
  }

  /** The chat is not this user's any more. */
  forget(): void {
    this.drop();
    this.knownChange = 0;
    this.error = this.loading = undefined;
    this.changes.clear();
    this.cache.wipe();
  }

  /** The newest of the window, for the next start. */
  get newest(): readonly Message[] {
    return this.window.messages.slice(-KEPT);
  }

  /* --------------------------------------------------------------------------------------------------------- The first page */

  whenReady(): Promise<void> {
    if (this.hasWindow) return Promise.resolve();
    this.ready ??= deferred();
    const { promise } = this.ready;
    if (!this.chat.core.userId) this.notReady(new ParleyError('signed_out', 'Nobody is signed in.'));
    return promise;
  }

  notReady(error: ParleyError): void {
    this.ready?.reject(error);
    this.ready = undefined;
  }

  async loadFirst(): Promise<void> {
    // Who goes to a place begins there.
    await this.jump?.catch(() => {});
    if (this.hasWindow) return;
    this.loading = 'first';
    this.chat.bump();
    const generation = ++this.generation;
    // As of now at least: what is changed while the page is under way has a higher number.
    const change = this.chat.lastChange;
    const page = await this.page({ before: NEWEST });
    if (generation === this.generation) this.begin(page, true, change);
  }

  begin(page: readonly Message[], atEnd: boolean, change: number): void {
    this.generation++;
    this.loading = this.error = undefined;
    this.window.reset(page, atEnd);
    this.hasWindow = true;
    this.knownChange = change;
    this.ahead.clear();
    if (atEnd) this.learn(page);
    this.arrived(page);
    this.ready?.resolve();
    this.ready = undefined;
    this.chat.bump();
  }

  /** The newest message that a page showed. */
  private learn(page: readonly Message[]): void {
    const { chat } = this;
    const last = page.at(-1);
    if (!last || last.seq < chat.lastSeq) return;
    chat.lastSeq = last.seq;
    chat.lastMessage = last;
  }

  /** What is read may be what waits in the outbox. */
  arrived(page: readonly Message[]): void {
    const { chat } = this;
    for (const message of page) {
      if (message.user_id === chat.core.userId) chat.core.outbox.heard(chat.key, message);
      else if (message.user_id !== null) chat.receipt(message.user_id, message.seq);
    }
    this.tidy();
    this.cache.keepSoon();
  }

  private tidy(): void {
    const { window, chat } = this;
    for (const [name, message] of this.ahead) if (window.at(message.seq)) this.ahead.delete(name);
    if (!chat.isAttached) window.keepNewest(KEPT);
    else if (window.messages.length > MOST_OPEN && chat.marks.seenSeq >= window.last - 1) window.keepNewest(KEPT_OPEN);
  }

  /* --------------------------------------------------------------------------------------------------------------- More pages */

  async page(query: HistoryQuery, options?: Until): Promise<readonly Message[]> {
    const rows = await this.rows({ ...query, until: query.until?.toISOString(), limit: query.limit ?? PAGE }, options);
    return Object.freeze(rows.map((row) => this.upToDate(row)));
  }

  async rows(query: Record<string, string | number | undefined>, options?: Until): Promise<Message[]> {
    const { path, core } = this.chat;
    if (path === undefined) return [];
    const rows = await core.http.ask<WireMessage[]>('GET', path, { query, signal: options?.signal });
    return rows.map((row) => this.chat.toOwnView(row));
  }

  async history(query: HistoryQuery = {}, options?: Until): Promise<readonly Message[]> {
    const { path, core } = this.chat;
    if (path === undefined) await core.sync.whenDone(options);
    const isNewest = (query.before ?? query.after ?? query.until) === undefined;
    return this.page(isNewest ? { ...query, before: NEWEST } : query, options);
  }

  loadOlder(): Promise<void> {
    const { window } = this;
    return this.loadMore('older', !window.atStart, async () => {
      const page = await this.page({ before: window.first });
      return () => window.merge(page);
    });
  }

  loadNewer(): Promise<void> {
    const { window } = this;
    return this.loadMore('newer', !window.atEnd, async () => {
      const page = await this.page({ after: window.last });
      return () => {
        window.merge(page, false);
        if (page.length < PAGE) window.atEnd = true;
        this.learn(page);
        this.arrived(page);
        if (window.atEnd) this.chat.catchUp.soon();
      };
    });
  }

  private loadMore(which: 'older' | 'newer', isMore: boolean, ask: () => Promise<() => void>): Promise<void> {
    const running = this.loads.get(which);
    if (running) return running;
    if (!this.hasWindow || !isMore) return Promise.resolve();
    const load = async (): Promise<void> => {
      const { generation } = this;
      this.loading = which;
      this.error = undefined;
      this.chat.bump();
      try {
        const apply = await ask();
        if (generation === this.generation) apply();
      } catch (thrown) {
        const error = ParleyError.from(thrown);
        if (generation === this.generation) this.error = error;
        throw error;
      } finally {
        if (generation === this.generation && this.loading === which) this.loading = undefined;
        this.loads.delete(which);
        this.chat.bump();
      }
    };
    const promise = quiet(load());
    this.loads.set(which, promise);
    return promise;
  }

  async jumpTo(where: { readonly seq: number } | { readonly date: Date } | 'new' | 'end'): Promise<number> {
    const { window, chat } = this;
    const { core, marks } = chat;
    // What there is to go to, the lists say.
    const isKnown = where === 'new' ? marks.newFrom !== undefined : chat.lastSeq > 0;
    if (!isKnown && !core.isSynced) await core.sync.whenDone();
    if (where === 'end') {
      if (!this.isAtEnd) await this.loadAround(undefined);
      return window.last;
    }
    let wanted = marks.newFrom ?? chat.lastSeq;
    if (where !== 'new') wanted = 'seq' in where ? where.seq : await this.firstAt(where.date);
    const seq = Math.max(1, Math.min(wanted, Math.max(chat.lastSeq, window.last)));
    if (!(this.hasWindow && window.at(seq))) await this.loadAround(seq);
    return window.at(seq) ? seq : window.last;
  }

  private async firstAt(date: Date): Promise<number> {
    const [before] = await this.page({ until: date, limit: 1 });
    return (before?.seq ?? 0) + 1;
  }

  private async loadAround(seq: number | undefined): Promise<void> {
    const jump = this.begunAround(seq);
    this.jump = jump;
    try {
      await jump;
    } finally {
      if (this.jump === jump) this.jump = undefined;
    }
  }

  private async begunAround(seq: number | undefined): Promise<void> {
    const { chat } = this;
    const generation = ++this.generation;
    const change = chat.lastChange;
    this.loading = 'first';
    this.error = undefined;
    chat.bump();
    try {
      const page = await this.page({ before: seq === undefined ? NEWEST : seq + PAGE / 2 });
      if (generation !== this.generation) return;
      this.begin(page, seq === undefined || (page.at(-1)?.seq ?? 0) >= chat.lastSeq, change);
      chat.catchUp.soon();
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      if (generation === this.generation) {
        this.loading = undefined;
        this.error = error;
        chat.bump();
        if (!this.hasWindow) chat.catchUp.soon();
      }
      throw error;
    }
  }
}
