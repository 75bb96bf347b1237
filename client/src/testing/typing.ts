import type { House, Identity } from './house.js';
import { assertOther } from './messages.js';
import { notFound } from './refusal.js';
import { usersIn } from './state.js';

/** Of one who types on, so much is passed on and no more. */
const EVERY_MS = 3_000;

/** Passes on that somebody types. It is kept nowhere. */
export class Typing {
  private readonly passedOnAt = new Map<string, number>();

  constructor(private readonly house: House) {}

  /** @throws Refusal to oneself */
  inRoom({ user_id }: Identity, otherId: number): void {
    assertOther(user_id, otherId);
    const { sockets, state } = this.house;
    if (!this.isDue(`${user_id}>${otherId}`)) return;
    if (!state.room(user_id, otherId) || state.areApart(user_id, otherId)) return;
    sockets.tell([otherId], 'typing', { chat_type: 'room', other_user_id: otherId, user_id });
  }

  /** @throws Refusal where they are not in it */
  inGroup({ user_id }: Identity, groupId: number): void {
    const { sockets, state } = this.house;
    const group = state.group(groupId);
    if (!group?.members.get(user_id)?.is_in) throw notFound('chat group');
    if (!this.isDue(`${user_id}:${groupId}`)) return;
    const others = usersIn(group).filter((userId) => userId !== user_id && !state.areApart(userId, user_id));
    sockets.tell(others, 'typing', { chat_type: 'group', chat_group_id: groupId, user_id });
  }

  private isDue(key: string): boolean {
    const now = this.house.now();
    if (now - (this.passedOnAt.get(key) ?? -Infinity) < EVERY_MS) return false;
    this.passedOnAt.set(key, now);
    return true;
  }
}
