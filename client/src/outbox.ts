import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { OutboxSender } from './outbox-sender.js';
import { deferred, type Deferred } from './promises.js';
import { invalid, isSameSaid, toSaid, whatIsWrong } from './said.js';
import { onAbort, Value, type Until } from './store.js';
import type { Message, Sent } from './data.js';
import type { Sending, SendOptions } from './types.js';
import type { WireSaid } from './wire.js';

const MOST_WAITING = 200;
/** Another tab says soon why a message is gone from the storage. */
const WORD_WITHIN_MS = 5_000;

/** One message that is not known to be stored. Kept in the storage under its user, chat and order. */
export interface Entry extends WireSaid {
  readonly client_id: string;
  /** Of the chat. */
  readonly chat: string;
  /** Sorts the messages of one chat, over restarts and tabs. */
  readonly order: string;
  readonly created_at: string;
  /** The caller chose the `client_id`: it stands for what it answers, and sent again under it is a repeat. */
  readonly is_named: boolean;
  readonly failed?: { readonly code: string; readonly message: string };
}

interface Waiter extends Deferred<Sent> {
  readonly promise: Sending;
}

/** What other tabs are told. */
export interface OutboxNews {
  readonly about: 'outbox';
  readonly user: number;
  readonly chat: string;
  /** What became of one that is gone. */
  readonly stored?: Sent | undefined;
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
  private readonly writes = new Map<string, Promise<void>>();
  /** Gone from the storage, and nobody has said why yet: shown until then, and not sent. By `order`. */
  private readonly missing = new Map<string, () => void>();
  private lastTime = 0;
  private readonly sender: OutboxSender;

  constructor(private readonly core: Core) {
    this.sender = new OutboxSender(core, this);
  }

  entries(chat: string): readonly Entry[] {
    return this.chats.get(chat) ?? [];
  }

  isSending(entry: Entry): boolean {
    return this.sender.isSending(entry);
  }

  /** Why it failed, or why its last try did. */
  errorOf(entry: Entry): ParleyError | undefined {
    const { failed } = entry;
    return failed ? new ParleyError(failed.code, failed.message) : this.sender.errorOf(entry);
  }

  /** When what was put off goes out again. */
  retryAt(chat: string): number | undefined {
    return this.sender.retryAt(chat);
  }

  add(chat: string, message: string, options: SendOptions & Until = {}): Sending {
    const said = toSaid(message, options);
    const isPlain = Object.keys(said).length === 1;
    const stored =
      options.client_id === undefined ? undefined : this.core.chats.get(chat).loaded.ownMessage(options.client_id);
    // Of what stands beside a text, only the server knows whether it is the same.
    if (stored?.message === message && isPlain && !stored.reply_to && !stored.mentions) {
      const { promise, resolve } = newWaiter(stored.client_id!);
      resolve(stored);
      return promise;
    }
    const existing = this.waiters.get(waiterKey(chat, options.client_id));
    const found = this.find(chat, options.client_id);
    const kept = found && isSameSaid(found, said) ? found : undefined;
    if (existing && kept) return existing.promise;
    const client_id = options.client_id ?? this.core.newId();
    const waiter = newWaiter(client_id);
    if (kept) {
      // Kept by a process that ended before it heard of it, or refused before.
      this.waiters.set(waiterKey(chat, client_id), waiter);
      const { failed, ...entry } = kept;
      if (failed) this.replace(kept, entry);
      return waiter.promise;
    }
    const error = this.refusal(chat, said, client_id, options);
    if (error) {
      waiter.reject(error);
      return waiter.promise;
    }
    const created_at = new Date(this.core.clock.now()).toISOString();
    const entry = {
      client_id,
      chat,
      order: this.nextOrder(),
      ...said,
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
    this.sender.forgive(chat);
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

  /** A message of this user's was heard of or read: if it waits here, it has arrived. @param sent as it was acknowledged */
  heard(chat: string, message: Message, sent?: Sent): void {
    if (message.client_id === undefined) return;
    const entry = this.find(chat, message.client_id);
    // Whom the server did not let it name, the acknowledgement alone says.
    if (!entry || (entry.mentions && !sent)) return;
    // A program that uses a name for something else waits for the server's word on that.
    const isAsWritten = !message.edited_at && !message.deleted;
    const isOther = message.message !== entry.message || message.reply_to?.seq !== entry.reply_to;
    if (entry.is_named && isAsWritten && isOther && !sent) return;
    this.remove(entry, { stored: sent ?? message });
    this.settle(entry, sent ?? message);
  }

  /** Of another tab. */
  hear({ user, chat, stored, discarded }: OutboxNews): void {
    if (user !== this.core.userId) return;
    if (stored) this.core.chats.get(chat).stored(stored);
    const entry = discarded === undefined ? undefined : this.find(chat, discarded);
    if (entry) this.drop(entry, new ParleyError('discarded', 'The message was taken back in another tab.'));
    void this.read(chat).then(() => this.sender.pump(chat));
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
    this.sender.clear();
    const error = new ParleyError('signed_out', 'It waits here until its user is signed in again.', { cause: reason });
    for (const waiter of this.waiters.values()) waiter.reject(reason.code === 'closed' ? reason : error);
    this.waiters.clear();
    for (const end of this.missing.values()) end();
    this.missing.clear();
    const known = [...this.chats.keys()];
    this.chats.clear();
    for (const chat of known) this.changed(chat);
  }

  /** Connected: everything that waits goes on. */
  resume(): void {
    this.sender.resume(this.chats.keys());
  }

  /** Nothing more is sent, and no lock is held: there is no connection, or the browser is about to freeze this page. */
  pause(): void {
    this.sender.pause();
  }

  /** It can never be stored. */
  refused(entry: Entry, error: ParleyError): void {
    if (error.code === 'client_id_conflict' && entry.is_named) this.remove(entry);
    else this.replace(entry, { ...entry, failed: { code: error.code, message: error.message } });
    this.settle(entry, error);
  }

  /** The next that may be sent. */
  next(chat: string): Entry | undefined {
    return this.entries(chat).find((entry) => !entry.failed && !this.missing.has(entry.order));
  }

  /** Until it stands in the storage. */
  writing({ chat, order }: Entry): Promise<void> | undefined {
    return this.writes.get(`outbox:${this.core.userId}:${chat}:${order}`);
  }

  /** Resolves once everything is written. */
  async written(): Promise<void> {
    await Promise.all(this.writes.values());
  }

  private refusal(chat: string, said: WireSaid, client_id: string, { signal }: Until): ParleyError | undefined {
    if (!this.core.userId) return new ParleyError('signed_out', 'Nobody is signed in.');
    if (signal?.aborted) return new ParleyError('discarded', 'The message was taken back.');
    const wrong = whatIsWrong(said);
    if (wrong) return wrong;
    if (!/^[A-Za-z0-9._:-]{1,64}$/.test(client_id))
      return invalid('client_id', 'A client_id is 1 to 64 of A-Z a-z 0-9 . _ : -');
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
    void this.sender.pump(entry.chat);
  }

  private replace(old: Entry, entry: Entry): void {
    this.chats.set(
      entry.chat,
      this.entries(entry.chat).map((one) => (one === old ? entry : one)),
    );
    this.write(entry, entry);
    void this.sender.pump(entry.chat);
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
    this.sender.forget(entry);
    this.chats.set(
      entry.chat,
      this.entries(entry.chat).filter((one) => one.order !== entry.order),
    );
  }

  private settle(entry: Entry, outcome: Sent | ParleyError): void {
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
  async read(chat?: string): Promise<void> {
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
}

const waiterKey = (chat: string, client_id: string | undefined): string => `${chat} ${client_id ?? ''}`;

const isSame = (a: Entry, b: Entry): boolean => a.client_id === b.client_id && a.failed?.code === b.failed?.code;

function newWaiter(client_id: string): Waiter {
  const { promise, resolve, reject } = deferred<Sent>();
  return { promise: Object.assign(promise, { client_id, key: client_id }), resolve, reject };
}
