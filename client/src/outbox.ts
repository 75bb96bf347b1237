import type { Core } from './core.js';
import { endsSession, ParleyError } from './errors.js';
import { aborted, deferred, type Deferred } from './promises.js';
import { onAbort, Value } from './store.js';
import type { Message, Sending } from './types.js';
import type { WireStored } from './wire.js';

const MOST_WAITING = 200;
const TRIES_WHERE_THE_SERVER_FAILS = 5;
const RETRY_MS = 1_000;
/** A storage that says nothing holds up no message: then it is sent, but would not outlive this page. */
const STORAGE_MS = 3_000;
/** Another tab says soon why a message is gone from the storage. */
const WORD_WITHIN_MS = 5_000;

/** One message that is not known to be stored. Kept in the storage under its user, chat and order. */
export interface Entry {
  readonly client_id: string;
  /** Of the chat. */
  readonly chat: string;
  /** Sorts the messages of one chat, over restarts and tabs. */
  readonly order: string;
  readonly message: string;
  readonly created_at: string;
  /** The caller chose the `client_id`: it stands for what it answers, and another text under it is a repeat. */
  readonly is_named: boolean;
  readonly failed?: { readonly code: string; readonly message: string };
}

interface Waiter extends Deferred<Message> {
  readonly promise: Sending;
}

/** What other tabs are told. */
export interface OutboxNews {
  readonly about: 'outbox';
  readonly user: number;
  readonly chat: string;
  /** What became of one that is gone. */
  readonly stored?: Message | undefined;
  readonly discarded?: string | undefined;
}

/**
 * Messages on their way: shown at once, kept in the storage under the id of their user, and sent one after another in each chat, by
 * whichever tab has the chat's lock. The server drops repeats by `client_id`, so that whatever is uncertain is sent again.
 */
export class Outbox {
  readonly waiting = new Value<{ readonly queued: number; readonly failed: number }>({ queued: 0, failed: 0 });
  private readonly chats = new Map<string, Entry[]>();
  private readonly waiters = new Map<string, Waiter>();
  private readonly sending = new Map<string, string>();
  private readonly lastErrors = new Map<string, ParleyError>();
  private readonly writes = new Map<string, Promise<void>>();
  private readonly pumps = new Map<string, AbortController>();
  private readonly pauses = new Map<string, { readonly until: number; readonly end: () => void }>();
  private readonly tries = new Map<string, number>();
  /** Gone from the storage, and nobody has said why yet: shown until then, and not sent. By `order`. */
  private readonly missing = new Map<string, () => void>();
  private lastTime = 0;

  constructor(private readonly core: Core) {}

  entries(chat: string): readonly Entry[] {
    return this.chats.get(chat) ?? [];
  }

  isSending(entry: Entry): boolean {
    return this.sending.get(entry.chat) === entry.client_id;
  }

  /** Why it failed, or why its last try did. */
  errorOf({ client_id, failed }: Entry): ParleyError | undefined {
    return failed ? new ParleyError(failed.code, failed.message) : this.lastErrors.get(client_id);
  }

  /** When what was put off goes out again. */
  retryAt(chat: string): number | undefined {
    return this.pauses.get(chat)?.until;
  }

  add(chat: string, message: string, options: { client_id?: string; signal?: AbortSignal } = {}): Sending {
    const stored =
      options.client_id === undefined ? undefined : this.core.chats.get(chat).loaded.ownMessage(options.client_id);
    if (stored?.message === message) {
      const { promise, resolve } = newWaiter(stored.client_id!);
      resolve(stored);
      return promise;
    }
    const existing = this.waiters.get(waiterKey(chat, options.client_id));
    const kept = this.find(chat, options.client_id);
    if (existing && kept?.message === message) return existing.promise;
    const client_id = options.client_id ?? this.core.newId();
    const waiter = newWaiter(client_id);
    if (kept?.message === message) {
      // Kept by a process that ended before it heard of it, or refused before.
      this.waiters.set(waiterKey(chat, client_id), waiter);
      const { failed, ...entry } = kept;
      if (failed) this.replace(kept, entry);
      return waiter.promise;
    }
    const error = this.refusal(chat, message, client_id, options);
    if (error) {
      waiter.reject(error);
      return waiter.promise;
    }
    const created_at = new Date(this.core.clock.now()).toISOString();
    const entry = {
      client_id,
      chat,
      order: this.nextOrder(),
      message,
      created_at,
      is_named: options.client_id !== undefined,
    };
    this.waiters.set(waiterKey(chat, client_id), waiter);
    this.put(entry);
    const end = onAbort(options.signal, () => this.discard(chat, client_id));
    waiter.promise.then(end, end);
    return waiter.promise;
  }

  retry(chat: string, client_id: string): Sending {
    const old = this.find(chat, client_id);
    const waiter = newWaiter(this.core.newId());
    if (!old?.failed) {
      const pending = this.waiters.get(waiterKey(chat, client_id));
      if (pending) return pending.promise;
      waiter.reject(new ParleyError('not_found', 'No such message waits here.'));
      return waiter.promise;
    }
    this.waiters.set(waiterKey(chat, waiter.promise.client_id), waiter);
    this.tries.delete(chat);
    const { failed: _, ...entry } = old;
    this.replace(old, { ...entry, client_id: waiter.promise.client_id, is_named: false });
    return waiter.promise;
  }

  discard(chat: string, client_id: string): string | undefined {
    const entry = this.find(chat, client_id);
    if (!entry || this.isSending(entry)) return undefined;
    this.remove(entry, { discarded: client_id });
    this.settle(entry, new ParleyError('discarded', 'The message was taken back.'));
    return entry.message;
  }

  /** A message of this user's was heard of or read: if it waits here, it has arrived. */
  heard(chat: string, message: Message): void {
    if (message.client_id === undefined) return;
    const entry = this.find(chat, message.client_id);
    // A program that uses a name for another text waits for the server's word on that.
    if (!entry || (entry.is_named && message.change === undefined && message.message !== entry.message)) return;
    this.remove(entry, { stored: message });
    this.settle(entry, message);
  }

  /** Of another tab. */
  hear({ user, chat, stored, discarded }: OutboxNews): void {
    if (user !== this.core.userId) return;
    if (stored) this.core.chats.get(chat).stored(stored);
    const entry = discarded === undefined ? undefined : this.find(chat, discarded);
    if (entry) this.drop(entry, new ParleyError('discarded', 'The message was taken back in another tab.'));
    void this.read(chat).then(() => this.pump(chat));
  }

  /** Someone is signed in: what they had not sent is here again. */
  async load(): Promise<void> {
    this.clear(new ParleyError('signed_out', 'Somebody else has signed in.'));
    await this.read();
  }

  /** What this device keeps for a user. */
  async countFor(user: number): Promise<number> {
    return (await this.core.storage.read(`outbox:${user}:`)).size;
  }

  async wipe(user: number): Promise<void> {
    const keys = [...(await this.core.storage.read(`outbox:${user}:`)).keys()];
    await this.core.storage.write(new Map(keys.map((key) => [key, undefined])));
  }

  /** Nobody is signed in any more: nothing is lost, and nobody here waits for it. */
  clear(reason: ParleyError): void {
    this.pause();
    const error = new ParleyError('signed_out', 'It waits here until its user is signed in again.', { cause: reason });
    for (const waiter of this.waiters.values()) waiter.reject(reason.code === 'closed' ? reason : error);
    this.waiters.clear();
    for (const end of this.missing.values()) end();
    this.missing.clear();
    this.lastErrors.clear();
    this.tries.clear();
    const known = [...this.chats.keys()];
    this.chats.clear();
    for (const chat of known) this.changed(chat);
  }

  /** Connected: everything that waits goes on. */
  resume(): void {
    this.tries.clear();
    for (const chat of this.chats.keys()) void this.pump(chat);
  }

  /** Nothing more is sent, and no lock is held: there is no connection, or the browser is about to freeze this page. */
  pause(): void {
    for (const stop of this.pumps.values()) stop.abort();
    for (const { end } of this.pauses.values()) end();
    this.pauses.clear();
  }

  /** Resolves once everything is written. */
  async written(): Promise<void> {
    await Promise.all(this.writes.values());
  }

  private refusal(
    chat: string,
    message: string,
    client_id: string,
    { signal }: { signal?: AbortSignal },
  ): ParleyError | undefined {
    if (!this.core.userId) return new ParleyError('signed_out', 'Nobody is signed in.');
    if (signal?.aborted) return new ParleyError('discarded', 'The message was taken back.');
    const wrong = whatIsWrong(message);
    if (wrong) return new ParleyError('invalid', wrong, { fields: { message: [wrong] } });
    if (!/^[A-Za-z0-9._:-]{1,64}$/.test(client_id))
      return new ParleyError('invalid', 'A client_id is 1 to 64 of A-Z a-z 0-9 . _ : -', {
        fields: { client_id: ['must be 1 to 64 of A-Z a-z 0-9 . _ : -'] },
      });
    const waiting = this.entries(chat);
    if (waiting.some((entry) => entry.client_id === client_id))
      return new ParleyError('client_id_conflict', 'Another text waits under this client_id.');
    if (waiting.length >= MOST_WAITING)
      return new ParleyError('outbox_full', `${MOST_WAITING} messages wait in this chat already.`);
    return undefined;
  }

  private find(chat: string, client_id: string | undefined): Entry | undefined {
    return this.entries(chat).find((entry) => entry.client_id === client_id);
  }

  /** Later than everything before it, here; and between tabs, by the clock that they share. */
  private nextOrder(): string {
    this.lastTime = Math.max(this.core.clock.now(), this.lastTime + 1);
    return String(this.lastTime).padStart(15, '0') + '-' + this.core.newId().slice(0, 4);
  }

  private put(entry: Entry): void {
    this.chats.set(
      entry.chat,
      [...this.entries(entry.chat), entry].sort((a, b) => (a.order < b.order ? -1 : 1)),
    );
    this.write(entry, entry);
    void this.pump(entry.chat);
  }

  private replace(old: Entry, entry: Entry): void {
    this.chats.set(
      entry.chat,
      this.entries(entry.chat).map((one) => (one === old ? entry : one)),
    );
    this.write(entry, entry);
    void this.pump(entry.chat);
  }

  private remove(entry: Entry, why: Pick<OutboxNews, 'stored' | 'discarded'> = {}): void {
    this.takeOut(entry);
    this.write(entry, undefined, why);
  }

  /** Gone from the storage already. */
  private drop(entry: Entry, why: ParleyError): void {
    this.takeOut(entry);
    this.settle(entry, why);
    this.changed(entry.chat);
  }

  private takeOut(entry: Entry): void {
    this.missing.get(entry.order)?.();
    this.missing.delete(entry.order);
    this.lastErrors.delete(entry.client_id);
    this.chats.set(
      entry.chat,
      this.entries(entry.chat).filter((one) => one.order !== entry.order),
    );
  }

  private settle(entry: Entry, outcome: Message | ParleyError): void {
    const key = waiterKey(entry.chat, entry.client_id);
    const waiter = this.waiters.get(key);
    this.waiters.delete(key);
    if (outcome instanceof ParleyError) waiter?.reject(outcome);
    else waiter?.resolve(outcome);
  }

  private changed(chat: string): void {
    let [queued, failed] = [0, 0];
    for (const entries of this.chats.values())
      for (const entry of entries) {
        if (entry.failed) failed++;
        else queued++;
      }
    const before = this.waiting.get();
    if (before.queued !== queued || before.failed !== failed) this.waiting.set({ queued, failed });
    this.core.chats.get(chat).bump();
  }

  private write(entry: Entry, value: Entry | undefined, why: Pick<OutboxNews, 'stored' | 'discarded'> = {}): void {
    const { core } = this;
    const user = core.userId;
    const key = `outbox:${user}:${entry.chat}:${entry.order}`;
    const before = this.writes.get(key) ?? Promise.resolve();
    const written = before
      .then(() => core.storage.write(new Map([[key, value]])))
      .catch((error: unknown) => core.failed(error))
      .then(() => {
        if (this.writes.get(key) === written) this.writes.delete(key);
        const news: OutboxNews = { about: 'outbox', user, chat: entry.chat, ...why };
        core.tabs.tell(news);
      });
    this.writes.set(key, written);
    this.changed(entry.chat);
  }

  /** What stands in the storage counts: another tab may have sent, added or taken out. */
  private async read(chat?: string): Promise<void> {
    const { core } = this;
    const isCurrent = core.guard();
    const prefix = `outbox:${core.userId}:` + (chat === undefined ? '' : chat + ':');
    const rows = await core.storage.read(prefix).catch((error: unknown) => core.failed(error));
    if (!rows || !isCurrent()) return;
    const found = new Map<string, Entry[]>(chat === undefined ? [] : [[chat, []]]);
    for (const [key, row] of rows) {
      // Ours is on its way there, and newer.
      if (this.writes.has(key)) continue;
      const entry = row as Entry;
      const entries = found.get(entry.chat);
      if (entries) entries.push(entry);
      else found.set(entry.chat, [entry]);
    }
    for (const [key, entries] of found) {
      const known = this.entries(key);
      const ours = known.filter((one) => this.writes.has(`outbox:${core.userId}:${key}:${one.order}`));
      const missing = known.filter((one) => !ours.includes(one) && !entries.some(({ order }) => order === one.order));
      for (const one of missing) this.miss(one);
      const all = [...entries, ...ours, ...missing].sort((a, b) => (a.order < b.order ? -1 : 1));
      // The same objects where nothing changed: so are the items that are made of them.
      this.chats.set(
        key,
        all.map((one) => known.find((old) => isSame(old, one)) ?? one),
      );
      this.changed(key);
    }
  }

  private miss(entry: Entry): void {
    if (this.missing.has(entry.order)) return;
    const end = this.core.clock.after(WORD_WITHIN_MS, () =>
      this.drop(entry, new ParleyError('discarded', 'Another tab has sent the message or taken it back.')),
    );
    this.missing.set(entry.order, end);
  }

  private async pump(chat: string): Promise<void> {
    const { core } = this;
    if (this.pumps.has(chat) || this.pauses.has(chat) || !core.link.isOpen) return;
    if (!this.next(chat)) return;
    const stop = new AbortController();
    this.pumps.set(chat, stop);
    try {
      await core.tabs.lock(`parley:${core.userId}:outbox:${chat}`, { mode: 'exclusive', signal: stop.signal }, () =>
        this.sendAll(chat, stop.signal),
      );
    } catch (error) {
      if (!stop.signal.aborted) core.failed(error);
    } finally {
      if (this.pumps.get(chat) === stop) this.pumps.delete(chat);
    }
    // Paused and resumed in the meantime, or written to while the lock was being given back.
    if (!core.isFrozen) void this.pump(chat);
  }

  private next(chat: string): Entry | undefined {
    return this.entries(chat).find((entry) => !entry.failed && !this.missing.has(entry.order));
  }

  private async sendAll(chat: string, stop: AbortSignal): Promise<void> {
    const { core } = this;
    const isCurrent = core.guard();
    const stopped = aborted(stop);
    for (;;) {
      if (core.isShared) await this.read(chat);
      const entry = this.next(chat);
      if (!entry || stop.aborted || !isCurrent()) return;
      // On this device's disk first: then no crash loses it, nor sends it under two names.
      const written = this.writes.get(`outbox:${core.userId}:${chat}:${entry.order}`);
      if (written) await core.atMost(STORAGE_MS, written);
      if (stop.aborted || !isCurrent()) return;
      if (!this.entries(chat).includes(entry)) continue;
      this.sending.set(chat, entry.client_id);
      core.chats.get(chat).bump();
      // `undefined`: told to stop, and not to wait for what may never come.
      const outcome = await Promise.race([this.send(entry), stopped]);
      this.sending.delete(chat);
      if (!isCurrent()) return;
      if (!outcome || !this.handle(entry, outcome)) return core.chats.get(chat).bump();
    }
  }

  private async send(entry: Entry): Promise<Message | ParleyError> {
    const { core } = this;
    try {
      const { client_id, message } = entry;
      const stored = await core.link.emit<WireStored>('message', {
        ...core.chats.get(entry.chat).address,
        message,
        client_id,
      });
      const { seq, timestamp } = stored;
      core.chats.get(entry.chat).foundId(stored.chat_room_id);
      return Object.freeze({ seq, user_id: core.userId, message, timestamp, client_id });
    } catch (error) {
      return ParleyError.from(error);
    }
  }

  /** @returns whether the next one may go */
  private handle(entry: Entry, outcome: Message | ParleyError): boolean {
    const { core } = this;
    const { chat, client_id } = entry;
    // Heard of, or discarded in another tab, while it was on its way.
    if (!this.entries(chat).includes(entry)) return true;
    if (!(outcome instanceof ParleyError)) {
      this.tries.delete(chat);
      // First into the timeline, then out of here (`heard`): it is never in neither.
      core.chats.get(chat).stored(outcome);
      return true;
    }
    // The connection is about to say so, and `resume` comes with the next one.
    if (outcome.code === 'offline' || endsSession(outcome)) return this.wait(chat, RETRY_MS);
    const tries = (this.tries.get(chat) ?? 0) + 1;
    const isServersFault = outcome.code === 'internal' || outcome.code === 'unexpected';
    if (outcome.retryable && !(isServersFault && tries >= TRIES_WHERE_THE_SERVER_FAILS)) {
      this.tries.set(chat, tries);
      this.lastErrors.set(client_id, outcome);
      if (outcome.code === 'timeout') void core.link.probe();
      return this.wait(chat, core.pauseAfter(outcome, tries - 1));
    }
    this.tries.delete(chat);
    if (outcome.code === 'client_id_conflict' && entry.is_named) this.remove(entry);
    else this.replace(entry, { ...entry, failed: { code: outcome.code, message: outcome.message } });
    this.settle(entry, outcome);
    return true;
  }

  private wait(chat: string, ms: number): false {
    const { clock } = this.core;
    const end = clock.after(ms, () => {
      this.pauses.delete(chat);
      void this.pump(chat);
    });
    this.pauses.set(chat, { until: clock.now() + ms, end });
    return false;
  }
}

const waiterKey = (chat: string, client_id: string | undefined): string => `${chat} ${client_id ?? ''}`;

const isSame = (a: Entry, b: Entry): boolean => a.client_id === b.client_id && a.failed?.code === b.failed?.code;

function newWaiter(client_id: string): Waiter {
  const { promise, resolve, reject } = deferred<Message>();
  return { promise: Object.assign(promise, { client_id, key: client_id }), resolve, reject };
}

/** The server's own rule for what can be seen. */
const SEEN =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}\ufffc]/u;

/** What can never be sent. */
function whatIsWrong(message: string): string | undefined {
  if (!SEEN.test(message)) return 'There is nothing to see in it.';
  const over = [...message.trim()].length - 4_000;
  return over > 0 ? `${over} characters too many: 4,000 are allowed.` : undefined;
}
