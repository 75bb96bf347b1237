import type { House, Identity } from './house.js';
import { blockedFromGroups, notFound, rateLimited, Refusal } from './refusal.js';
import type { Group } from './state.js';
import { iso } from './texts.js';
import { personView } from './views.js';

type Status = 'pending' | 'granted' | 'refused';

/** Between a refusal and the next try. */
const ASK_AGAIN_AFTER_MS = 24 * 60 * 60 * 1_000;

/** Knocking at the door of a group that one cannot enter. */
export class AccessRequests {
  constructor(private readonly house: House) {}

  /** @throws Refusal */
  ask({ user_id }: Identity, groupId: number) {
    const group = this.house.state.group(groupId);
    if (!group) throw notFound('chat group');
    if (group.members.has(user_id))
      throw new Refusal('already_member', 'You are a member of this group already: enter it.');
    if (!group.is_private && !group.removed.has(user_id))
      throw new Refusal('open_group', 'This group is open to everybody: enter it without asking.');
    if (this.house.state.areApart(user_id, group.owner_id)) throw blockedFromGroups();
    const before = group.requests.get(user_id);
    if (before && before.refused_at === undefined) return view(groupId, user_id, 'pending', before.created_at);
    const wait = this.waitAfterRefusal(before?.refused_at);
    if (wait > 0) throw rateLimited('The owner of this group has refused.', wait);
    const created_at = this.house.now();
    group.requests.delete(user_id);
    group.requests.set(user_id, { created_at });
    this.tell(group, user_id, 'pending');
    return view(groupId, user_id, 'pending', created_at);
  }

  /** Who waits, oldest first; for the owner. @throws Refusal */
  list(me: Identity, groupId: number) {
    const { members, presence, state } = this.house;
    const group = members.assertOwner(me, groupId);
    return [...group.requests]
      .filter(([userId, { refused_at }]) => refused_at === undefined && state.person(userId))
      .sort(([a, one], [b, other]) => one.created_at - other.created_at || a - b)
      .map(([userId, { created_at }]) => ({
        ...view(groupId, userId, 'pending', created_at),
        requester: personView(state.people.get(userId)!, presence.isShownOnline(userId, me.user_id)),
      }));
  }

  /** The owner lets them in, or refuses. @throws Refusal */
  answer(me: Identity, groupId: number, userId: number, letIn: boolean) {
    const group = this.house.members.assertMayChange(me, groupId);
    const request = group.requests.get(userId);
    if (!request || request.refused_at !== undefined) throw notFound('access request');
    if (letIn) {
      this.house.members.assertMayBeDrawnIn(userId, me);
      this.house.members.admit(group, userId, false);
    } else request.refused_at = this.house.now();
    const status = letIn ? 'granted' : 'refused';
    this.tell(group, userId, status);
    return view(groupId, userId, status, request.created_at);
  }

  /** What the list of groups says to whoever asked. */
  standing(group: Group, userId: number): 'pending' | 'refused' | null {
    const request = group.requests.get(userId);
    if (!request || group.members.has(userId)) return null;
    if (request.refused_at === undefined) return 'pending';
    return this.waitAfterRefusal(request.refused_at) > 0 ? 'refused' : null;
  }

  tell({ id, owner_id }: Group, userId: number, status: Status): void {
    this.house.sockets.tell([owner_id, userId], 'access_request', { chat_group_id: id, user_id: userId, status });
  }

  private waitAfterRefusal(refusedAt: number | undefined): number {
    return refusedAt === undefined ? 0 : refusedAt + ASK_AGAIN_AFTER_MS - this.house.now();
  }
}

const view = (groupId: number, userId: number, status: Status, createdAt: number) => ({
  chat_group_id: groupId,
  user_id: userId,
  status,
  created_at: iso(createdAt),
});
