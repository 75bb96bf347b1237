import { BaseChat } from './chat.js';
import type { Core } from './core.js';
import { nameOf } from './people.js';
import { computed, type Store } from './store.js';
import type { User } from './data.js';
import type { May, Room } from './types.js';
import type { WireRoom } from './wire.js';

const WRITE: May = { write: true };
const BLOCKED: May = { write: false, why_not: 'blocked' };
const GONE: May = { write: false, why_not: 'gone' };

/** Oneself and somebody else. */
export class RoomChat extends BaseChat implements Room {
  override readonly other: Store<User | undefined>;
  readonly blocked_by_me: Store<boolean>;
  readonly may: Store<May>;

  constructor(
    core: Core,
    readonly userId: number,
  ) {
    super(core, { type: 'room', user_id: userId });
    this.other = core.people.get(userId);
    this.blocked_by_me = computed(core.people.blocked, (blocked) => blocked.some(({ id }) => id === userId));
    this.may = computed(core.version, () => {
      if (this.blocked_by_me.get()) return BLOCKED;
      return this.isGone ? GONE : WRITE;
    });
  }

  get address(): object {
    return { chat_type: 'room', other_user_id: this.userId };
  }

  get path(): string | undefined {
    return this.id === undefined ? undefined : `chat_rooms/${this.id}`;
  }

  get place(): object | undefined {
    return this.id === undefined ? undefined : { chat_room_id: this.id };
  }

  get title(): string {
    const other = this.other.get();
    return other ? nameOf(other) : '';
  }

  private get isGone(): boolean {
    const { core, userId } = this;
    if (userId === core.userId || core.people.nobody.has(userId)) return true;
    const other = this.other.get();
    return other?.first_name === 'deleted' && other.last_name === 'user';
  }

  /** As the list of rooms says it. */
  row(row: WireRoom): void {
    this.core.people.put(row.other_user);
    this.foundId(row.id);
    this.listed(row);
    this.receipt(this.userId, row.other_last_read_seq);
  }

  override opened(): void {
    super.opened();
    this.core.people.look(this.userId);
  }

  override synced(): Promise<void> {
    if (this.isAttached) this.core.people.look(this.userId);
    return super.synced();
  }
}
