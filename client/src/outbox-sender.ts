import type { Core } from './core.js';
import type { Sent } from './data.js';
import { endsSession, ParleyError } from './errors.js';
import type { Entry, Outbox } from './outbox.js';
import { aborted } from './promises.js';
import { granted, saidOf } from './said.js';
import type { WireStored } from './wire.js';

const TRIES_WHERE_THE_SERVER_FAILS = 5;
const RETRY_MS = 1_000;
/** A storage that says nothing holds up no message: then it is sent, but would not outlive this page. */
const STORAGE_MS = 3_000;

/** Sends what waits, one message after another in each chat, by whichever tab has the chat's lock; and tries again what may succeed. */
export class OutboxSender {
  private readonly sending = new Map<string, string>();
  private readonly lastErrors = new Map<string, ParleyError>();
  private readonly pumps = new Map<string, AbortController>();
  private readonly pauses = new Map<string, { readonly until: number; readonly end: () => void }>();
  private readonly tries = new Map<string, number>();

  constructor(
    private readonly core: Core,
    private readonly outbox: Outbox,
  ) {}

  isSending(entry: Entry): boolean {
    return this.sending.get(entry.chat) === entry.client_id;
  }

  /** Why the last try failed. */
  errorOf({ client_id }: Entry): ParleyError | undefined {
    return this.lastErrors.get(client_id);
  }

  /** When what was put off goes out again. */
  retryAt(chat: string): number | undefined {
    return this.pauses.get(chat)?.until;
  }

  forget({ client_id }: Entry): void {
    this.lastErrors.delete(client_id);
  }

  /** Begins anew to count how often it was tried. */
  forgive(chat: string): void {
    this.tries.delete(chat);
  }

  clear(): void {
    this.pause();
    this.lastErrors.clear();
    this.tries.clear();
  }

  /** Connected: everything that waits goes on. */
  resume(chats: Iterable<string>): void {
    this.tries.clear();
    for (const chat of chats) void this.pump(chat);
  }

  /** Nothing more is sent, and no lock is held. */
  pause(): void {
    for (const stop of this.pumps.values()) stop.abort();
    for (const { end } of this.pauses.values()) end();
    this.pauses.clear();
  }

  async pump(chat: string): Promise<void> {
    const { core, outbox } = this;
    if (this.pumps.has(chat) || this.pauses.has(chat) || !core.link.isOpen) return;
    if (!outbox.next(chat)) return;
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

  private async sendAll(chat: string, stop: AbortSignal): Promise<void> {
    const { core, outbox } = this;
    const isCurrent = core.guard();
    const stopped = aborted(stop);
    for (;;) {
      if (core.isShared) await outbox.read(chat);
      const entry = outbox.next(chat);
      if (!entry || stop.aborted || !isCurrent()) return;
      // On this device's disk first: then no crash loses it, nor sends it under two names.
      const written = outbox.writing(entry);
      if (written) await core.atMost(STORAGE_MS, written);
      if (stop.aborted || !isCurrent()) return;
      if (!outbox.entries(chat).includes(entry)) continue;
      this.sending.set(chat, entry.client_id);
      core.chats.get(chat).bump();
      // `undefined`: told to stop, and not to wait for what may never come.
      const outcome = await Promise.race([this.send(entry), stopped]);
      this.sending.delete(chat);
      if (!isCurrent()) return;
      if (!outcome || !this.handle(entry, outcome)) return core.chats.get(chat).bump();
    }
  }

  private async send(entry: Entry): Promise<Sent | ParleyError> {
    const { core } = this;
    const { client_id, reply_to, mentions } = entry;
    const chat = core.chats.get(entry.chat);
    try {
      // An older server refuses fields that it does not know.
      if (reply_to !== undefined) await core.server.need('replies');
      if (mentions) await core.server.need('mentions');
      const said = saidOf(entry);
      const stored = await core.link.emit<WireStored>('message', { ...chat.address, ...said, client_id });
      const { seq, timestamp, mentions_ignored, everyone_ignored } = stored;
      chat.foundId(stored.chat_room_id);
      const message = chat.toMessage({ ...chat.shownAs(granted(said, stored)), seq, timestamp, client_id });
      return Object.freeze({
        ...message,
        ...(mentions_ignored && { mentions_ignored }),
        ...(everyone_ignored && { everyone_ignored }),
      });
    } catch (error) {
      return ParleyError.from(error);
    }
  }

  /** @returns whether the next one may go */
  private handle(entry: Entry, outcome: Sent | ParleyError): boolean {
    const { core, outbox } = this;
    const { chat, client_id } = entry;
    // Heard of, or discarded in another tab, while it was on its way.
    if (!outbox.entries(chat).includes(entry)) return true;
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
    outbox.refused(entry, outcome);
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
