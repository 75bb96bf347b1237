import { Injectable } from '@nestjs/common';
import type { DomainError } from '../common/errors.js';
import type {
  AccessRequestUpdate,
  BotMessages,
  Exception,
  GroupDeleted,
  GroupMessage,
  GroupMessageUpdate,
  GroupNotice,
  GroupNotification,
  GroupRead,
  GroupRow,
  GroupTyping,
  GroupUpdate,
  ParleyServer,
  ParleySocket,
  PresenceChange,
  ReadReceipt,
  RoomMessage,
  RoomMessageUpdate,
  RoomTyping,
  UserErased,
  UserRow,
} from './events.js';
import { BEHIND_ROOM, EVERYBODY, groupRoom, outsideRoom, sessionRoom, userRoom } from './rooms.js';
import { isBehind, SlowReceivers } from './slow-receivers.js';
import { DEAD_AFTER_MS, hear, heardAt, now } from './transport/traffic.js';

/** Tells sockets what happened. Call it after the commit: nothing that may still be undone is ever told. */
@Injectable()
export class Publisher {
  private server!: ParleyServer;

  constructor(private readonly slowReceivers: SlowReceivers) {}

  /** The gateway calls this once, before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
    this.slowReceivers.attach(server);
  }

  /** Where all that is published passes: counts it, so that sockets that do not read are found. */
  private to(rooms: string | string[]) {
    this.slowReceivers.published();
    return this.server.to(rooms);
  }

  /** A direct message, to every socket of both people. */
  roomMessage(message: RoomMessage): void {
    this.to([userRoom(message.user_id), userRoom(message.other_user_id)]).emit('message', message);
  }

  /** A group message, to every socket of everybody in the group. */
  groupMessage(message: GroupMessage): void {
    this.to(groupRoom(message.chat_group_id)).emit('message', message);
  }

  /** A message was edited or deleted: to whom the message itself would go now. */
  messageUpdate(update: RoomMessageUpdate | GroupMessageUpdate): void {
    const receivers =
      update.chat_type === 'room'
        ? [userRoom(update.user_id), userRoom(update.other_user_id)]
        : groupRoom(update.chat_group_id);
    this.to(receivers).emit('message_update', update);
  }

  /** Who came or went, to those who are in the group and keep up. */
  groupNotice(notice: GroupNotice): void {
    this.to(groupRoom(notice.chat_group_id)).except(BEHIND_ROOM).emit('message', notice);
  }

  /** Something new, to the members who are online and not in the group. */
  groupNotification(notification: GroupNotification): void {
    // One who writes from outside knows.
    const writer = userRoom(notification.user_id);
    this.to(outsideRoom(notification.chat_group_id)).except(writer).emit('notification', notification);
  }

  /** How far somebody has read, to those of these people who are there. */
  read(receipt: ReadReceipt, userIds: readonly number[]): void {
    this.to(userIds.map(userRoom)).emit('read', receipt);
  }

  /** The same, to those who are in the group, and to the reader. */
  readInGroup(receipt: ReadReceipt & { chat_group_id: number }): void {
    this.to([groupRoom(receipt.chat_group_id), userRoom(receipt.user_id)]).emit('read', receipt);
  }

  /** How far a person has read a group, to all of their sockets. */
  groupRead(userId: number, read: GroupRead): void {
    this.to(userRoom(userId)).emit('notification', read);
  }

  /**
   * Somebody types, to the others there. Volatile: a socket whose transport is busy writing gets nothing, and the next hint
   * three seconds later. Socket.IO asks for `transport.writable`, which is false from the first packet of a turn until the kernel has
   * taken all of it: so a hint right behind a message may be lost, too. Only what heals by itself may be sent like this.
   */
  typing(typing: RoomTyping | GroupTyping, hiddenFrom: readonly number[] = []): void {
    const room = typing.chat_type === 'room' ? userRoom(typing.other_user_id) : groupRoom(typing.chat_group_id);
    const hidden = [typing.user_id, ...hiddenFrom].map(userRoom);
    this.to(room).except(hidden).volatile.emit('typing', typing);
  }

  /** All sockets of one person, by their ids. */
  socketsOf(userId: number): Iterable<string> {
    return this.server.sockets.adapter.rooms.get(userRoom(userId)) ?? [];
  }

  /**
   * Until when somebody's sockets have got what they were told, on the clock of `now()`: until this moment, where one of them lives and
   * nothing waits for it.
   */
  reachedUntil(userId: number): number {
    let last = -Infinity;
    for (const socket of this.liveSockets(userRoom(userId))) {
      const heard = heardAt(socket);
      const lives = heard > now() - DEAD_AFTER_MS && this.slowReceivers.isIdle(socket);
      last = Math.max(last, lives ? now() : heard);
    }
    return last;
  }

  /** The client of a session says goodbye, though not on its sockets: it is heard as if it had. */
  goodbye(sessionId: number): void {
    for (const socket of this.liveSockets(sessionRoom(sessionId))) if (this.slowReceivers.isIdle(socket)) hear(socket);
  }

  /** None yet in the middle of their handshake. */
  private liveSockets(room: string): ParleySocket[] {
    const { sockets, adapter } = this.server.sockets;
    return [...(adapter.rooms.get(room) ?? [])].flatMap((id) => sockets.get(id) ?? []);
  }

  /**
   * Who came and went, to one socket. Not volatile, since a lost change would stay wrong for as long as nothing else changes.
   * @returns `behind` where the socket does not keep up: it is told nothing, and must be told later; `gone` where there is no such one
   */
  presence(socketId: string, changes: (viewerId: number) => PresenceChange[]): 'told' | 'behind' | 'gone' {
    const socket = this.server.sockets.sockets.get(socketId);
    if (!socket?.data.identity) return 'gone';
    if (isBehind(socket)) return 'behind';
    const mine = changes(socket.data.identity.userId);
    if (mine.length === 0) return 'told';
    this.slowReceivers.published();
    socket.emit('presence', mine);
    return 'told';
  }

  /** A person's new row, to everybody who is there, but for some. */
  userUpdateToAll(row: UserRow | UserErased, except: readonly number[] = []): void {
    this.to(EVERYBODY).except(except.map(userRoom)).emit('user_update', row);
  }

  /** The same, to these people. */
  userUpdate(row: UserRow | UserErased, userIds: readonly number[]): void {
    if (userIds.length > 0) this.to(userIds.map(userRoom)).emit('user_update', row);
  }

  /**
   * A group's new row, to its members; and to everybody else who is there, as those outside see it, where `outside` is given: `row`,
   * or `closed` to those who were removed, and nothing to those who are `apart`.
   */
  groupRow(
    row: GroupRow,
    outside?: { row: GroupRow; closed: GroupRow; removed: readonly number[]; apart: ReadonlySet<number> },
  ): void {
    const members = [groupRoom(row.chat_group_id), outsideRoom(row.chat_group_id)];
    this.to(members).emit('group_update', row);
    if (!outside) return;
    const removed = outside.removed.map(userRoom);
    this.to(EVERYBODY)
      .except([...members, ...removed, ...[...outside.apart].map(userRoom)])
      .emit('group_update', outside.row);
    if (removed.length > 0) this.to(removed).except(members).emit('group_update', outside.closed);
  }

  /** A group is no more, to everybody who is there. */
  groupDeleted(deleted: GroupDeleted): void {
    this.to(EVERYBODY).emit('group_update', deleted);
  }

  /** On one device a person entered or left; all of theirs are told. */
  groupUpdate(userId: number, update: GroupUpdate): void {
    this.to(userRoom(userId)).emit('group_update', update);
  }

  /** From now on a person's sockets are reached as members in a group, outside of it, or not at all. */
  placeInGroup(userId: number, groupId: number, place: 'in' | 'outside' | 'nowhere'): void {
    const { adapter } = this.server.sockets;
    // Not `socketsJoin` and `socketsLeave`: they pass over sockets in their handshake, which have their places already.
    for (const socketId of adapter.rooms.get(userRoom(userId)) ?? []) {
      if (place !== 'in') void adapter.del(socketId, groupRoom(groupId));
      if (place !== 'outside') void adapter.del(socketId, outsideRoom(groupId));
      if (place === 'in') void adapter.addAll(socketId, new Set([groupRoom(groupId)]));
      if (place === 'outside') void adapter.addAll(socketId, new Set([outsideRoom(groupId)]));
    }
  }

  /** Somebody asks to be let into a group, or was answered: to every socket of theirs and of its owner. */
  accessRequest(ownerId: number, event: AccessRequestUpdate): void {
    this.to([userRoom(ownerId), userRoom(event.user_id)]).emit('access_request', event);
  }

  /** What was asked and answered, to every socket of the person who asked. */
  botMessages(userId: number, messages: BotMessages): void {
    this.to(userRoom(userId)).emit('message', messages);
  }

  /**
   * What each of a person's sockets does not have yet of an answer that forms, from where it stands; `told` knows how many UTF-16
   * units that is. A socket that still has packets on their way is passed over, so that nothing gathers for a slow one, and gets
   * more at once the next time. (Socket.IO's `volatile` would leave a hole, and a socket on polling would have one more often
   * than not.) @returns false where some were passed over
   */
  botDelta(userId: number, questionSeq: number, text: string, told: WeakMap<ParleySocket, number>): boolean {
    const { sockets, adapter } = this.server.sockets;
    let haveAll = true;
    for (const id of adapter.rooms.get(userRoom(userId)) ?? []) {
      // None yet in the middle of its handshake.
      const socket = sockets.get(id);
      const offset = (socket && told.get(socket)) ?? 0;
      if (offset === text.length) continue;
      if (socket && this.slowReceivers.isIdle(socket)) {
        socket.emit('bot_delta', { question_seq: questionSeq, offset, text: text.slice(offset) });
        told.set(socket, text.length);
      } else haveAll = false;
    }
    return haveAll;
  }

  /** Something that a person asked for failed later, and concerns all of their sockets. */
  userException(userId: number, error: DomainError, request: Exception['request']): void {
    this.to(userRoom(userId)).emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  exception(socket: ParleySocket, error: DomainError, request?: Exception['request']): void {
    // Who sends without reading the answers would have us keep them.
    if (this.slowReceivers.dropIfSlow(socket)) return;
    socket.emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  /** Closes every socket of a login, after telling why. A stock client does not come back by itself. */
  closeSession(sessionId: number, reason: DomainError): void {
    this.to(sessionRoom(sessionId)).emit('exception', reason.toBody());
    this.server.in(sessionRoom(sessionId)).disconnectSockets(true);
  }
}
