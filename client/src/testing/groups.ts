import { listedSettings } from './chat-settings.js';
import type { House, Identity } from './house.js';
import { unreadMentions } from './mentions.js';
import { forbidden, invalid, notFound, Refusal } from './refusal.js';
import { type Group, lastSeq, newMember } from './state.js';
import { messageView, unread } from './views.js';

const MOST_OWNED = 200;

/** The list of groups, and what their owners change. */
export class Groups {
  constructor(private readonly house: House) {}

  /** All of them; of private ones, those outside learn that they are there, and so do those removed. */
  list(me: Identity) {
    return this.house.state.groups().map((group) => this.view(group, me.user_id));
  }

  /** @throws Refusal */
  create(me: Identity, name: string, isPrivate: boolean, authorId?: number) {
    const { user_id } = me;
    if (authorId !== undefined && authorId !== user_id) throw forbidden('author_id is not your own. Leave it out.');
    this.house.members.assertMayJoin(user_id);
    this.assertMayOwn(user_id);
    const group = this.make(name, isPrivate, user_id);
    this.house.members.joined(group, user_id, false);
    return this.view(group, user_id);
  }

  /** Renames a group, or hands it over to another member, or both at once. @throws Refusal */
  update(me: Identity, groupId: number, change: { chat_group_name?: string; owner_id?: number }) {
    const { chat_group_name: name, owner_id: ownerId } = change;
    if (name === undefined && ownerId === undefined)
      throw invalid('Send chat_group_name, owner_id, or both.', {
        chat_group_name: ['is missing'],
        owner_id: ['is missing'],
      });
    const { members, news } = this.house;
    const group = members.assertMayChange(me, groupId);
    const isHandedOver = ownerId !== undefined && ownerId !== group.owner_id;
    if (ownerId !== undefined) {
      if (!group.members.has(ownerId)) throw notFound('member');
      members.assertMayBeDrawnIn(ownerId, me);
      if (isHandedOver) this.assertMayOwn(ownerId);
    }
    if (name !== undefined) group.name = name;
    if (isHandedOver) group.owner_id = ownerId;
    news.groupChanged(groupId);
    if (isHandedOver) members.tellOwner(group, [me.user_id, ownerId]);
    return this.view(group, me.user_id);
  }

  /** By the owner: it is gone for everybody. @throws Refusal */
  delete(me: Identity, groupId: number): void {
    const group = this.house.members.assertMayChange(me, groupId);
    this.house.state.chats.delete(groupId);
    this.house.sockets.tell(group.members.keys(), 'group_update', { chat_group_id: groupId, deleted: true });
    this.house.news.groupChanged(groupId);
  }

  /** As an admin does: what is so already stays. */
  freeze(groupId: number, isFrozen: boolean): void {
    const group = this.house.state.group(groupId);
    if (!group) throw notFound('chat group');
    if ((group.is_frozen ?? false) === isFrozen) return;
    group.is_frozen = isFrozen;
    this.house.news.groupChanged(groupId);
  }

  view(group: Group, viewer: number) {
    const { accessRequests, attendance } = this.house;
    const mine = group.members.get(viewer);
    const isHidden = !mine && (group.is_private || group.removed.has(viewer));
    const newest = isHidden ? 0 : lastSeq(group);
    const last = group.messages.at(-1);
    const lastReadSeq = attendance.isWatching(group.id, viewer) ? newest : (mine?.last_read_seq ?? 0);
    return {
      id: group.id,
      name: group.name,
      owner_id: group.owner_id,
      is_private: group.is_private,
      is_member: mine !== undefined,
      is_in: mine?.is_in ?? false,
      my_request: accessRequests.standing(group, viewer),
      member_count: isHidden ? null : group.members.size,
      ...(group.is_frozen && !isHidden && { is_frozen: true as const }),
      last_message: isHidden || !last ? null : messageView(group, last, viewer),
      last_seq: newest,
      last_change: isHidden ? 0 : group.last_change,
      last_read_seq: lastReadSeq,
      unread_count: mine ? unread(newest, lastReadSeq) : 0,
      ...(mine && unreadMentions(this.house, group, viewer, lastReadSeq)),
      ...listedSettings(this.house, group, viewer),
    };
  }

  private make(name: string, isPrivate: boolean, ownerId: number): Group {
    const { state } = this.house;
    const group: Group = {
      id: state.nextId('chat'),
      kind: 'group',
      messages: [],
      mentions: [],
      last_change: 0,
      members: new Map([[ownerId, newMember(this.house.now())]]),
      name,
      owner_id: ownerId,
      is_private: isPrivate,
      removed: new Set(),
      departed: new Set(),
      requests: new Map(),
    };
    state.chats.set(group.id, group);
    return group;
  }

  private assertMayOwn(userId: number): void {
    const count = this.house.state.groups().filter(({ owner_id }) => owner_id === userId).length;
    if (count >= MOST_OWNED)
      throw new Refusal(
        'quota_exceeded',
        `Nobody owns more than ${MOST_OWNED} groups: one has to be handed over or left first.`,
      );
  }
}
