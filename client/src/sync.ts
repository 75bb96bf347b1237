import { backoff, Timer } from './clock.js';
import type { Core } from './core.js';
import { endsSession, ParleyError } from './errors.js';
import { applyEvent, type ServerEvent } from './server-events.js';
import { when, type Until } from './store.js';
import type { Me } from './data.js';
import type { WireGroup, WireRoom, WireUser } from './wire.js';

/** What came while the lists were read waits for them. More than this, and the connection begins anew. */
const MOST_BUFFERED = 10_000;
/** A chat that cannot be read holds up the others no longer: it goes on trying by itself. */
const OPEN_CHATS_MS = 10_000;
const READ_GROUPS_MS = 500;

/** After each connection, and where events were lost: the lists, then what each open chat missed, then what was told meanwhile. */
export class Sync {
  /** The lists were read once since somebody signed in. */
  isLoaded = false;
  /** Why the lists cannot be read. */
  error: ParleyError | undefined;
  private buffer: ServerEvent[] | undefined;
  private wait: AbortController | undefined;
  private readonly groupsTimer = new Timer(() => void this.readGroups());

  constructor(private readonly core: Core) {}

  whenDone(options?: Until): Promise<unknown> {
    return when(this.core.link.state, (connection) => connection.synced || connection.state === 'closed', options);
  }

  /** The server has lost events for this connection. Where it is being read already, what comes behind this is told after it. */
  again(): void {
    if (!this.buffer && !this.error) void this.run();
  }

  /** Connected, or events were lost. */
  async run(): Promise<void> {
    const { core } = this;
    const isCurrent = core.guard();
    const connection = core.link.state.get();
    const isSame = (): boolean => isCurrent() && core.link.isOpen && core.link.state.get().since === connection.since;
    core.server.again();
    for (let tries = 0; ; tries++) {
      this.buffer ??= [];
      try {
        await this.readLists(isSame);
        break;
      } catch (thrown) {
        const error = ParleyError.from(thrown);
        if (!isSame()) return;
        if (endsSession(error)) return core.onEnded(error);
        this.error = error;
        // What is live goes on meanwhile, where it did before.
        if (connection.synced) this.applyBuffered();
        core.bump();
        core.log('warn', 'The lists could not be read.', { code: error.code });
        const { signal } = (this.wait = new AbortController());
        // Whoever the server has told to wait comes no sooner by asking.
        await core.sleep(error.retry_after_ms ?? 0);
        await core.sleep(backoff(tries, 1_000, 20_000, core.random), signal);
      }
      if (!isSame()) return;
    }
    if (!isSame()) return;
    this.error = undefined;
    this.isLoaded = true;
    // From here on a chat that is opened reads for itself.
    core.link.synced();
    const waiting = core.chats.all().map((chat) => chat.synced());
    await core.atMost(OPEN_CHATS_MS, Promise.all(waiting));
    if (!isSame()) return;
    this.applyBuffered();
    core.outbox.resume();
    core.people.again();
    for (const chat of core.chats.all()) void chat.marks.send();
    core.bump();
    core.inbox.keepSoon();
  }

  /** Ends the wait after lists that could not be read. */
  retryNow(): void {
    this.wait?.abort();
  }

  private async readLists(isSame: () => boolean): Promise<void> {
    const { http, chats, people: known } = this.core;
    const [rooms, groups, blocked, people, me] = await Promise.all([
      http.list<WireRoom>('chat_rooms'),
      http.list<WireGroup>('chat_groups'),
      http.list<WireUser>('users/blocked'),
      http.ask<WireUser[]>('GET', 'users'),
      http.ask<Me>('GET', 'users/profile'),
      chats.bot.readNewest(),
    ]);
    if (!isSame()) return;
    this.core.setMe(me);
    for (const row of rooms) {
      // Known before the room is made, which would ask for them.
      known.put(row.other_user);
      chats.room(row.other_user.id).row(row);
    }
    // After the rooms, which do not say when somebody was last here.
    for (const row of people) known.put(row);
    known.setBlocked(blocked);
    this.takeGroups(groups);
  }

  private takeGroups(rows: readonly WireGroup[]): void {
    const { chats, groups } = this.core;
    for (const id of groups.replace(rows)) chats.group(id).left();
    for (const row of rows) if (row.is_member || chats.has(`group:${row.id}`)) chats.group(row.id).row(row);
  }

  /** What lists alone say of a group: whether one may come back, say. */
  readGroupsSoon(): void {
    this.groupsTimer.set(this.core.clock, READ_GROUPS_MS);
  }

  private async readGroups(): Promise<void> {
    const rows = await this.core.read<WireGroup>('chat_groups');
    if (rows) this.takeGroups(rows);
  }

  /** A live event. */
  hear(event: ServerEvent): void {
    if (!this.buffer) return this.apply(event);
    if (this.buffer.push(event) > MOST_BUFFERED)
      this.core.link.drop(new ParleyError('busy', 'Too much came while the lists were read.'));
  }

  private applyBuffered(): void {
    const { buffer = [] } = this;
    this.buffer = undefined;
    for (const event of buffer) this.apply(event);
  }

  /** What a newer server sends in another form harms no other event. */
  private apply(event: ServerEvent): void {
    try {
      applyEvent(this.core, event);
    } catch (error) {
      this.core.failed(error);
    }
  }

  /** The connection broke. */
  lost(): void {
    const { core } = this;
    this.buffer = undefined;
    core.outbox.pause();
    core.chats.bot.disconnected();
    core.bump();
  }

  forget(): void {
    this.buffer = this.error = undefined;
    this.isLoaded = false;
    this.groupsTimer.stop();
  }
}
