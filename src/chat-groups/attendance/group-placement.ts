import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { PresenceNews } from '../../people/presence-news.js';
import { Busy } from '../../common/errors.js';
import { logLine } from '../../common/logs/log-line.js';
import { addTo } from '../../common/sets-by-key.js';
import { Recheck } from '../../cluster/recheck.js';
import { Receipts } from '../../conversations/receipts.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import type {
  BoundSocket,
  GroupEntered,
  MemberJoined,
  MemberLeft,
  MembershipsErased,
  MembersWentOffline,
} from '../../domain-events/events.js';
import { batchLoader } from '../../database/batch-loader.js';
import { chunks } from '../../database/chunks.js';
import { inIds } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Publisher } from '../../sockets/publisher.js';
import { groupRoom, outsideRoom } from '../../sockets/rooms.js';
import { WhoIsIn } from '../../people/who-is-in.js';
import { GroupNotices } from './group-notices.js';
import { UserMutex } from './user-mutex.js';

/** Groups whose events are published in one turn of the event loop. */
const AT_ONCE = 100;

interface Membership {
  id: number;
  isIn: boolean;
  lastSeq: number;
}

/**
 * Moves a user's sockets, after the commit, into one of the Socket.IO rooms `group:<id>` (in) and `outside:<id>`, or out of both. It keeps
 * `WhoIsIn` in step, and publishes the change to the user and to the others who are in the group.
 */
@Injectable()
export class GroupPlacement implements OnModuleInit {
  private readonly logger = new Logger('Groups');
  private readonly membershipsOf = batchLoader((userIds) => this.memberships(userIds));

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly userMutex: UserMutex,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly presenceNews: PresenceNews,
    private readonly receipts: Receipts,
    private readonly notices: GroupNotices,
    private readonly events: DomainEvents,
    private readonly recheck: Recheck,
  ) {}

  onModuleInit(): void {
    this.events.on('socketBound', ({ socket, userId }) =>
      this.userMutex.run([userId], () => this.placeSocket(socket, userId)),
    );
    // All of these but the last three are recorded in the turn of their user, and published in it.
    this.events.on('memberJoined', (joined) => this.memberJoined(joined));
    this.events.on('groupEntered', (entered) => this.entered(entered));
    this.events.on('groupLeft', (left) => this.left(left));
    this.events.on('memberLeft', (left) => this.memberLeft(left));
    this.events.on('membersWentOffline', (gone) => this.membersWentOffline(gone));
    this.events.on('ownerChanged', ({ groupId, ownerId, members }) => {
      for (const { userId, isIn } of members) this.ownerChanged(userId, isIn, groupId, ownerId);
    });
    this.events.on('groupsInherited', ({ heirs }) => this.inherited(heirs));
    this.events.on('membershipsErased', (erased) => this.membershipsErased(erased));
    this.events.on('groupDeleted', ({ groupId }) => this.groupEnded(groupId));
    this.hearOtherNodes();
  }

  /** What happened elsewhere is not published again, but sockets of this node are moved, by what the rows say. */
  private hearOtherNodes(): void {
    for (const name of ['memberJoined', 'groupEntered'] as const)
      this.events.onElsewhere(name, ({ userId, groupId }) => this.placeByRows(userId, [groupId]));
    this.events.onElsewhere('memberJoined', ({ userId, groupId, isIn }) => {
      if (isIn) this.presenceNews.showInGroup(userId, groupId);
    });
    this.events.onElsewhere('groupEntered', ({ userId, groupId, wasIn }) => {
      if (!wasIn) this.presenceNews.showInGroup(userId, groupId);
    });
    // What ends does so at once: packets that come right behind this must not find them there. The rows tell whether it has begun again.
    this.events.onElsewhere('groupLeft', ({ userId, groupId }) => {
      this.placeAs(userId, groupId, 'outside');
      return this.placeByRows(userId, [groupId]);
    });
    this.events.onElsewhere('memberLeft', ({ userId, groupId }) => {
      this.silence(userId, groupId);
      return this.placeByRows(userId, [groupId]);
    });
    this.events.onElsewhere('membershipsErased', ({ userId, groups }) => {
      for (const { groupId } of groups) this.silence(userId, groupId);
    });
    this.events.onElsewhere('groupDeleted', ({ groupId }) => this.groupEnded(groupId));
    this.events.onElsewhere('membersWentOffline', async ({ members }) => {
      const groupsOf = new Map<number, Set<number>>();
      for (const { userId, groupId, isSmall } of members) {
        addTo(groupsOf, userId, groupId);
        if (isSmall) this.presenceNews.show(userId, this.whoIsIn.usersIn(groupId));
      }
      await Promise.all([...groupsOf].map(([userId, groupIds]) => this.placeByRows(userId, groupIds)));
    });
    this.publisher.onArrival(([event, packet]) => {
      const { chat_type, chat_group_id, seq } = packet as { chat_type?: string; chat_group_id: number; seq?: number };
      if (event === 'message' && chat_type === 'group' && seq !== undefined) this.whoIsIn.published(chat_group_id, seq);
    });
    this.recheck.on(async () => {
      for (const some of chunks([...this.publisher.localUsers()], AT_ONCE))
        await Promise.all(some.map((userId) => this.placeByRows(userId)));
    });
  }

  /** In the user's turn: their sockets on this node, in these groups or in all, go where the rows say. */
  private async placeByRows(userId: number, groupIds?: Iterable<number>): Promise<void> {
    const isHere = (): boolean => !isEmpty(this.publisher.socketsOf(userId));
    if (!isHere()) {
      for (const groupId of groupIds ?? []) this.whoIsIn.remove(userId, groupId);
      return;
    }
    try {
      await this.userMutex.run([userId], async () => {
        const memberships = new Map((await this.membershipsOf(userId)).map((one) => [one.id, one]));
        const all = groupIds ?? [...memberships.keys(), ...this.publisher.groupsOf(userId)];
        for (const groupId of new Set(all)) {
          const membership = memberships.get(groupId);
          if (membership?.isIn) this.placeIn(userId, groupId, membership.lastSeq);
          else this.placeAs(userId, groupId, membership ? 'outside' : 'nowhere');
        }
      });
    } catch (error) {
      // Rather nothing than what they may not get any more; the next check places them again.
      for (const groupId of groupIds ?? this.publisher.groupsOf(userId)) this.silence(userId, groupId);
      this.recheck.soon();
      throw error;
    }
  }

  private placeAs(userId: number, groupId: number, place: 'outside' | 'nowhere'): void {
    this.publisher.placeInGroup(userId, groupId, place);
    this.whoIsIn.remove(userId, groupId);
  }

  private entered({ groupId, userId, lastSeq, wasIn, lastReadSeq }: GroupEntered): void {
    this.placeIn(userId, groupId, lastSeq);
    if (!wasIn) this.publishEntered(userId, groupId);
    if (lastReadSeq >= lastSeq) this.receipts.recordImplied(groupId, userId, lastSeq);
    else this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
  }

  private left({ groupId, userId, lastSeq, wasIn, lastReadSeq }: GroupEntered): void {
    this.publisher.placeInGroup(userId, groupId, 'outside');
    this.whoIsIn.remove(userId, groupId);
    if (!wasIn) return;
    this.publishPlace(userId, groupId, false);
    if (lastReadSeq < lastSeq) this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
  }

  private memberJoined({ groupId, userId, lastSeq, isIn }: MemberJoined): void {
    if (isIn) {
      this.placeIn(userId, groupId, lastSeq);
      this.publishEntered(userId, groupId);
    } else {
      this.publisher.placeInGroup(userId, groupId, 'outside');
      this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: true });
    }
    this.receipts.began(groupId, userId, lastSeq);
  }

  private memberLeft({ groupId, userId, wasIn }: MemberLeft): void {
    this.silence(userId, groupId);
    if (wasIn) this.notices.changed(groupId, userId, false);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: false });
  }

  private membersWentOffline({ members, viewers }: MembersWentOffline): void {
    for (const { groupId, userId } of members) this.presenceNews.show(userId, viewers.get(groupId) ?? []);
    for (const { groupId, userId, lastReadSeq } of members) {
      this.publisher.placeInGroup(userId, groupId, 'outside');
      this.whoIsIn.remove(userId, groupId);
      this.publishPlace(userId, groupId, false);
      this.receipts.moved({ conversationId: groupId, userId, lastSeq: lastReadSeq, lastReadSeq });
    }
  }

  /** Each node tells its own sockets, and not by packets to all: those would come when the sockets are in the Socket.IO rooms no more. */
  private groupEnded(groupId: number): void {
    this.publisher.groupEnded({ chat_group_id: groupId, deleted: true });
    for (const userId of this.whoIsIn.usersIn(groupId)) this.whoIsIn.remove(userId, groupId);
  }

  private placeIn(userId: number, groupId: number, lastSeq: number): void {
    this.publisher.placeInGroup(userId, groupId, 'in');
    this.whoIsIn.add(userId, groupId);
    this.whoIsIn.published(groupId, lastSeq);
  }

  private publishEntered(userId: number, groupId: number): void {
    this.publishPlace(userId, groupId, true);
    this.presenceNews.showInGroup(userId, groupId);
  }

  private async membershipsErased({ userId, groups }: MembershipsErased): Promise<void> {
    const publishAll = async (): Promise<void> => {
      for (const [i, { groupId, wasIn }] of groups.entries()) {
        this.memberLeft({ groupId, userId, wasIn });
        if (i % AT_ONCE === AT_ONCE - 1) await nextTurn();
      }
    };
    // Published out of turn rather than not at all: the memberships have ended.
    await this.userMutex.run([userId], publishAll).catch((error: unknown) => {
      if (!(error instanceof Busy)) throw error;
      return publishAll();
    });
  }

  /** In the user's turn: their sockets get nothing of the group from here on. */
  silence(userId: number, groupId: number): void {
    this.placeAs(userId, groupId, 'nowhere');
  }

  /** Notifies the former or the new owner. `isIn` as the row says: their sockets may be on other nodes. */
  private ownerChanged(userId: number, isIn: boolean, groupId: number, ownerId: number): void {
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn, owner_id: ownerId });
  }

  /**
   * Notifies the new owners of groups whose owner has left, each in their turn. They are sent who owns the group by then: they may have
   * handed it over already.
   */
  private async inherited(heirs: ReadonlyMap<number, number>): Promise<void> {
    const groupsOf = new Map<number, Set<number>>();
    for (const [groupId, heirId] of heirs) addTo(groupsOf, heirId, groupId);
    for (const [heirId, groupIds] of groupsOf) {
      await this.userMutex
        .run([heirId], () => this.publishOwners(heirId, [...groupIds]))
        .catch((error: unknown) =>
          this.logger.error(
            `User ${heirId} was not notified that they own ${groupIds.size} more groups: ${logLine(error)}`,
          ),
        );
    }
  }

  private async publishOwners(memberId: number, groupIds: readonly number[]): Promise<void> {
    for (const some of chunks(groupIds)) {
      const { sql, values } = inIds('g.conversation_id', some);
      const rows = await this.unitOfWork.read.query<{ id: number; owner_id: number; is_in: number }[]>(
        `SELECT g.conversation_id AS id, g.owner_id, m.is_in FROM chat_groups g
         JOIN members m ON m.conversation_id = g.conversation_id AND m.user_id = ?
         WHERE ${sql}`,
        [memberId, ...values],
      );
      for (const { id, owner_id, is_in } of rows) this.ownerChanged(memberId, Boolean(is_in), id, owner_id);
    }
  }

  private publishPlace(userId: number, groupId: number, isIn: boolean): void {
    this.notices.changed(groupId, userId, isIn);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn });
  }

  /** In the user's turn: a new socket joins the Socket.IO rooms that the user's other sockets are in, and is moved with them from then on. */
  private async placeSocket(socket: BoundSocket, userId: number): Promise<void> {
    const joined: Promise<void>[] = [];
    for (const { id, isIn, lastSeq } of await this.membershipsOf(userId)) {
      const wait = socket.join(isIn ? groupRoom(id) : outsideRoom(id));
      if (wait) joined.push(wait);
      if (isIn) this.whoIsIn.add(userId, id);
      else this.whoIsIn.remove(userId, id);
      // Members who are in and connected have nothing unread: see `liveMark`.
      if (isIn) this.whoIsIn.published(id, lastSeq);
    }
    await Promise.all(joined);
  }

  private async memberships(userIds: readonly number[]): Promise<Membership[][]> {
    const { sql, values } = inIds('m.user_id', userIds);
    const rows = await this.unitOfWork.read.query<{ user_id: number; id: number; is_in: number; last_seq: number }[]>(
      `SELECT m.user_id, c.id, m.is_in, c.last_seq FROM members m JOIN conversations c ON c.id = m.conversation_id
       WHERE ${sql} AND c.kind = 'group'`,
      values,
    );
    const byUser = new Map<number, Membership[]>(userIds.map((userId) => [userId, []]));
    for (const { user_id, id, is_in, last_seq } of rows)
      byUser.get(user_id)!.push({ id, isIn: Boolean(is_in), lastSeq: last_seq });
    return userIds.map((userId) => byUser.get(userId)!);
  }
}

const isEmpty = (ids: Iterable<unknown>): boolean => ids[Symbol.iterator]().next().done === true;
