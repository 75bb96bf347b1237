import type { House, Identity } from './house.js';
import { OFFLINE_AFTER_MS } from './presence.js';
import { notFound } from './refusal.js';
import { assertNotFrozen, type Group, lastSeq, usersIn } from './state.js';

/** After a restart, those who were in a group have this long to come back. */
const COME_BACK_WITHIN_MS = 30_000;
/** Larger groups do not hear of each other's coming and going. */
const SMALL_GROUP = 100;
/** A client that is not heard for longer than this has no socket any more. */
const SILENT_FOR_MS = 75_000;

/**
 * Who is in which group right now. It is a person who is in, not a socket: the last word of any of their devices counts. It ends when
 * they go offline.
 */
export class Attendance {
  /** What was published to each group lately, the newest last: one entry for each second. */
  private readonly published = new Map<number, { seq: number; at: number }[]>();
  /** People who entered without a socket, until their time to open one is over. */
  private readonly expected = new Map<number, () => void>();
  /** Those who have gone are taken out together. */
  private gone = new Set<number>();

  constructor(private readonly house: House) {}

  /** In it, and connected: reads what comes, as it comes. */
  isWatching(groupId: number, userId: number): boolean {
    const isIn = this.house.state.group(groupId)?.members.get(userId)?.is_in ?? false;
    return isIn && this.house.presence.isConnected(userId);
  }

  /** Everybody in the group, or nobody where more than 100 are. */
  inSmallGroup(group: Group): number[] {
    const users = usersIn(group);
    return users.length > SMALL_GROUP ? [] : users;
  }

  lastPublished(groupId: number): number | undefined {
    return this.published.get(groupId)?.at(-1)?.seq;
  }

  /** This message, and with it all before it, was published to everybody who is in. */
  notePublished(groupId: number, seq: number): void {
    const at = this.house.now();
    const recent = this.published.get(groupId) ?? [];
    this.published.set(groupId, recent);
    const last = recent.at(-1);
    if (last && seq <= last.seq) return;
    if (last && Math.floor(last.at / 1_000) === Math.floor(at / 1_000)) Object.assign(last, { seq, at });
    else recent.push({ seq, at });
    while (recent[1] && recent[1].at < at - SILENT_FOR_MS) recent.shift();
  }

  /**
   * In an open group a newcomer becomes a member.
   * @param beforeWriting called where something will change
   * @throws Refusal to those outside a private group, and to those who were removed; what `beforeWriting` throws
   */
  enter(userId: number, groupId: number, beforeWriting?: () => void): Group {
    const group = this.house.state.group(groupId);
    const member = group?.members.get(userId);
    const isThere = group && member?.is_in && member.last_read_seq === lastSeq(group);
    if (!isThere) beforeWriting?.();
    if (!group) throw notFound('chat group');
    if (!member) {
      if (group.is_private || group.removed.has(userId)) throw notFound('chat group');
      assertNotFrozen(group);
      this.house.members.admit(group, userId, true);
      return group;
    }
    const { is_in: wasIn, last_read_seq: before } = member;
    const newest = lastSeq(group);
    Object.assign(member, { is_in: true, last_read_seq: newest });
    this.notePublished(groupId, newest);
    if (!wasIn) this.tellEntered(userId, group);
    if (before >= newest) this.house.receipts.implied(groupId, userId, newest);
    else this.house.receipts.moved({ chat_id: groupId, user_id: userId, last_seq: newest, last_read_seq: newest });
    this.expectSocket(userId);
    return group;
  }

  /** Leaves, and stays a member. @throws Refusal */
  leave(userId: number, groupId: number): void {
    const group = this.house.state.assertMember('group', groupId, userId);
    const member = group.members.get(userId)!;
    // One who is not in has seen nothing of it: a tab that closes late must not mark it read.
    if (!member.is_in) return;
    const before = member.last_read_seq;
    const newest = lastSeq(group);
    Object.assign(member, { is_in: false, last_read_seq: newest });
    this.tell(userId, groupId, false);
    if (before < newest)
      this.house.receipts.moved({ chat_id: groupId, user_id: userId, last_seq: newest, last_read_seq: newest });
  }

  /** A membership began by entering. */
  joinedIn(userId: number, group: Group): void {
    this.notePublished(group.id, lastSeq(group));
    this.tellEntered(userId, group);
    this.expectSocket(userId);
  }

  /** A new socket: its person's groups are watched from here on. */
  connected({ user_id }: Identity): void {
    for (const group of this.house.state.groups())
      if (group.members.get(user_id)?.is_in) this.notePublished(group.id, lastSeq(group));
  }

  /** The last socket closed: what it was told before its client was last heard has been read. */
  markWhenGone(userId: number, heardAt: number): void {
    for (const group of this.house.state.groups()) {
      const member = group.members.get(userId);
      const seq = this.published.get(group.id)?.findLast(({ at }) => at <= heardAt)?.seq;
      if (member?.is_in && seq !== undefined) member.last_read_seq = Math.max(member.last_read_seq, seq);
    }
  }

  /** The server is about to stop: those who are connected have got what they were told. */
  markAll(): void {
    for (const userId of this.house.presence.online())
      if (this.house.presence.isConnected(userId)) this.markWhenGone(userId, this.house.now());
  }

  wentOffline(userId: number): void {
    if (this.gone.size === 0) this.house.timers.soon(() => this.takeOutGone());
    this.gone.add(userId);
  }

  expectThoseBefore(): void {
    this.house.timers.after(COME_BACK_WITHIN_MS, () => {
      for (const group of this.house.state.groups()) for (const userId of usersIn(group)) this.gone.add(userId);
      this.takeOutGone();
    });
  }

  /** One who enters without a socket has as long to open one as one who lost it. */
  private expectSocket(userId: number): void {
    if (this.house.presence.isConnected(userId)) return;
    this.expected.get(userId)?.();
    const end = this.house.timers.after(OFFLINE_AFTER_MS, () => {
      this.expected.delete(userId);
      if (!this.house.presence.isOnline(userId)) this.wentOffline(userId);
    });
    this.expected.set(userId, end);
  }

  /** Offline people are in nothing. Their marks stay where they were when their last socket closed. */
  private takeOutGone(): void {
    const { notices, presence, presenceNews, receipts, sockets, state } = this.house;
    const absent = [...this.gone].filter((userId) => !presence.isOnline(userId) && !this.expected.has(userId));
    this.gone = new Set();
    for (const group of state.groups()) {
      // Looked up before the first of them is taken out: none is small for having just been left by most.
      const viewers = this.inSmallGroup(group);
      for (const userId of absent) {
        const member = group.members.get(userId);
        if (!member?.is_in) continue;
        member.is_in = false;
        presenceNews.show(userId, viewers);
        notices.changed(group.id, userId, false);
        sockets.tell([userId], 'group_update', { chat_group_id: group.id, is_in: false });
        const { last_read_seq } = member;
        receipts.moved({ chat_id: group.id, user_id: userId, last_seq: last_read_seq, last_read_seq });
      }
    }
  }

  private tellEntered(userId: number, group: Group): void {
    this.tell(userId, group.id, true);
    this.house.presenceNews.show(userId, this.inSmallGroup(group));
  }

  private tell(userId: number, groupId: number, isIn: boolean): void {
    this.house.notices.changed(groupId, userId, isIn);
    this.house.sockets.tell([userId], 'group_update', { chat_group_id: groupId, is_in: isIn });
  }
}
