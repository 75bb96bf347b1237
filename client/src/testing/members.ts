import type { House, Identity } from './house.js';
import { blockedFromGroups, forbidden, notFound, Refusal } from './refusal.js';
import { assertNotFrozen, type Group, lastSeq, newMember } from './state.js';
import { personView } from './views.js';

const MOST_MEMBERSHIPS = 1_000;

/** Who belongs to a group: let in, removed, gone. */
export class Members {
  constructor(private readonly house: House) {}

  /** Who is a member, in the order of their ids. @throws Refusal to those outside */
  list(me: Identity, groupId: number) {
    const group = this.house.state.assertMember('group', groupId, me.user_id);
    return [...group.members.keys()].sort((a, b) => a - b).map((userId) => this.view(group, userId, me.user_id));
  }

  /** The owner adds somebody. @throws Refusal */
  add(me: Identity, groupId: number, userId: number) {
    const group = this.assertMayChange(me, groupId);
    if (!group.members.has(userId)) {
      const request = group.requests.get(userId);
      const hadAsked = request !== undefined && request.refused_at === undefined;
      this.assertMayBeDrawnIn(userId, me);
      if (!hadAsked && group.departed.has(userId))
        throw new Refusal(
          'has_left',
          'They have given up membership of this group. They come back by entering it, or by asking for access.',
        );
      this.admit(group, userId, false);
      if (hadAsked) this.house.accessRequests.tell(group, userId, 'granted');
    }
    return this.view(group, userId, me.user_id);
  }

  /** The caller gives up their own membership, or the owner removes a member. @throws Refusal */
  end(me: Identity, groupId: number, userId: number): void {
    if (userId !== me.user_id) return this.remove(me, groupId, userId);
    const group = this.house.state.assertMember('group', groupId, userId);
    const wasIn = group.members.get(userId)!.is_in;
    const heir = this.leaveForGood(group, userId);
    group.departed.add(userId);
    this.left(group, userId, wasIn);
    if (heir !== undefined) this.tellOwner(group, [heir]);
  }

  /** The group, for its owner. @throws Refusal to those outside, and in other words to members */
  assertOwner(me: Identity, groupId: number): Group {
    const group = this.house.state.assertMember('group', groupId, me.user_id);
    if (group.owner_id !== me.user_id) throw forbidden('Only the owner of a group can do this.');
    return group;
  }

  /** The same, where it is not frozen. @throws Refusal */
  assertMayChange(me: Identity, groupId: number): Group {
    const group = this.assertOwner(me, groupId);
    assertNotFrozen(group);
    return group;
  }

  /** @throws Refusal where there is no such person, or they have blocked the caller */
  assertMayBeDrawnIn(userId: number, me: Identity): void {
    this.house.state.assertPerson(userId);
    if (this.house.state.hasBlocked(userId, me.user_id)) throw blockedFromGroups();
  }

  /** A new member, with nothing unread. What they asked for is settled, and what kept them out forgotten. @throws Refusal */
  admit(group: Group, userId: number, isIn: boolean): void {
    this.house.state.assertPerson(userId);
    this.assertMayJoin(userId);
    const newest = lastSeq(group);
    group.members.set(userId, newMember(this.house.now(), newest, isIn));
    for (const kept of [group.requests, group.departed, group.removed]) kept.delete(userId);
    this.joined(group, userId, isIn);
  }

  /** Somebody is a member from now on. */
  joined(group: Group, userId: number, isIn: boolean): void {
    if (isIn) this.house.attendance.joinedIn(userId, group);
    else this.house.sockets.tell([userId], 'group_update', { chat_group_id: group.id, is_in: false, is_member: true });
    this.house.receipts.began(group.id, userId, lastSeq(group));
    this.house.news.groupChanged(group.id);
  }

  /** @throws Refusal */
  assertMayJoin(userId: number): void {
    const count = this.house.state.groups().filter(({ members }) => members.has(userId)).length;
    if (count >= MOST_MEMBERSHIPS)
      throw new Refusal(
        'quota_exceeded',
        `Nobody is a member of more than ${MOST_MEMBERSHIPS} groups: one has to be left first.`,
      );
  }

  /** A member no more. An owner's group goes to its longest member; the last one to leave deletes it. @returns the new owner */
  leaveForGood(group: Group, userId: number): number | undefined {
    group.members.delete(userId);
    if (group.members.size === 0) {
      this.house.state.chats.delete(group.id);
      return undefined;
    }
    if (group.owner_id !== userId) return undefined;
    const [longest] = [...group.members].sort(([a, one], [b, other]) => one.joined_at - other.joined_at || a - b);
    group.owner_id = longest![0];
    return group.owner_id;
  }

  /** Somebody is a member no more. */
  left(group: Group, userId: number, wasIn: boolean): void {
    if (wasIn) this.house.notices.changed(group.id, userId, false);
    this.house.sockets.tell([userId], 'group_update', { chat_group_id: group.id, is_in: false, is_member: false });
    this.house.news.groupChanged(group.id);
  }

  /** Those whose part in the group changed with its owner learn who that is now. */
  tellOwner({ id, owner_id, members }: Group, userIds: readonly number[]): void {
    for (const userId of userIds) {
      const isIn = members.get(userId)?.is_in ?? false;
      this.house.sockets.tell([userId], 'group_update', { chat_group_id: id, is_in: isIn, owner_id });
    }
  }

  private remove(me: Identity, groupId: number, userId: number): void {
    const group = this.assertMayChange(me, groupId);
    const member = group.members.get(userId);
    if (!member) {
      if (group.removed.has(userId)) return;
      throw notFound('member');
    }
    group.members.delete(userId);
    group.removed.add(userId);
    this.left(group, userId, member.is_in);
  }

  private view(group: Group, userId: number, viewer: number) {
    const { attendance, presence, state } = this.house;
    const { is_in, last_read_seq } = group.members.get(userId)!;
    return {
      ...personView(state.people.get(userId)!, presence.isShownOnline(userId, viewer)),
      is_in_group: is_in,
      role: userId === group.owner_id ? 'owner' : 'member',
      last_read_seq: attendance.isWatching(group.id, userId) ? lastSeq(group) : last_read_seq,
    };
  }
}
