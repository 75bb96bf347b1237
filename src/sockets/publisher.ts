import { Injectable } from '@nestjs/common';
import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import type {
  AccessRequestUpdate,
  BotMessages,
  ChatSettings,
  Exception,
  GroupDeleted,
  GroupMessage,
  GroupMessageUpdate,
  GroupNotice,
  GroupNotification,
  GroupReactions,
  GroupRead,
  GroupRow,
  GroupTyping,
  GroupUpdate,
  ParleyServer,
  ParleySocket,
  PresenceChange,
  ReadReceipt,
  ResyncReason,
  ReportNews,
  RoomMessage,
  RoomMessageUpdate,
  RoomReactions,
  RoomTyping,
  ServerUpdate,
  UserErased,
  UserRow,
} from './events.js';
import { BEHIND_ROOM, EVERYBODY, groupOf, groupRoom, outsideRoom, sessionRoom, userRoom } from './rooms.js';
import { isBehind, SlowReceivers } from './slow-receivers.js';
import { type Arrived, type CarriedAdapter, isCarriedAdapter } from './transport/carried-adapter.js';
import { DEAD_AFTER_MS, hear, heardAt, now } from './transport/traffic.js';

/** Emits to clients: the only place that does. Call it after the commit, never for what may still be rolled back. */
@Injectable()
export class Publisher {
  private server!: ParleyServer;
  /** Undefined where this node is alone. */
  private carried?: CarriedAdapter;
  private readonly arrivals: Arrived[] = [];

  constructor(private readonly slowReceivers: SlowReceivers) {}

  /** The gateway calls this once, before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
    this.slowReceivers.attach(server);
    const { adapter } = server.sockets;
    if (!isCarriedAdapter(adapter)) return;
    this.carried = adapter;
    adapter.onArrival = (data) => {
      this.slowReceivers.published();
      for (const arrived of this.arrivals) arrived(data);
    };
  }

  /** Calls `arrived` with each packet that another node has published to sockets of this one, before they get it. */
  onArrival(arrived: Arrived): void {
    this.arrivals.push(arrived);
  }

  /** All that is published passes here, and is counted, so that sockets that do not read are found. */
  private to(rooms: string | string[]) {
    this.slowReceivers.published();
    return this.server.to(rooms);
  }

  /** A direct message, to every socket of both users. */
  roomMessage(message: RoomMessage): void {
    this.to([userRoom(message.user_id), userRoom(message.other_user_id)]).emit('message', message);
  }

  /** A group message, to every socket of everybody in the group. */
  groupMessage(message: GroupMessage): void {
    this.to(groupRoom(message.chat_group_id)).emit('message', message);
  }

  /** A message was edited or deleted: to those who would get the message itself now. */
  messageUpdate(update: RoomMessageUpdate | GroupMessageUpdate): void {
    this.to(receiversOf(update)).emit('message_update', update);
  }

  /** Users have reacted to a message: to the same. */
  messageReactions(update: RoomReactions | GroupReactions): void {
    this.to(receiversOf(update)).emit('message_reactions', update);
  }

  /** Who entered or left, to the sockets in the group that keep up. */
  groupNotice(notice: GroupNotice): void {
    this.to(groupRoom(notice.chat_group_id)).except(BEHIND_ROOM).emit('message', notice);
  }

  /** A new message, to the members who are online and not in the group. */
  groupNotification(notification: GroupNotification): void {
    // Not to the sender, who may have written from outside.
    const writer = userRoom(notification.user_id);
    this.to(outsideRoom(notification.chat_group_id)).except(writer).emit('notification', notification);
  }

  /** How far a user has read, to those of these users who are connected. */
  read(receipt: ReadReceipt, userIds: readonly number[]): void {
    this.to(userIds.map(userRoom)).emit('read', receipt);
  }

  /** The same, to those who are in the group, and to the user. */
  readInGroup(receipt: ReadReceipt & { chat_group_id: number }): void {
    this.to([groupRoom(receipt.chat_group_id), userRoom(receipt.user_id)]).emit('read', receipt);
  }

  /** How far a user has read a group, to all of their own sockets. */
  groupRead(userId: number, read: GroupRead): void {
    this.to(userRoom(userId)).emit('notification', read);
  }

  /** How a user wants to be told of a chat, to all of their own sockets. */
  chatSettings(userId: number, settings: ChatSettings): void {
    this.to(userRoom(userId)).emit('chat_settings', settings);
  }

  /**
   * A user types, to the others in the chat. Volatile: a socket whose transport is busy writing gets nothing, and the next hint three seconds
   * later. Socket.IO asks for `transport.writable`, which is false from the first packet of a turn until the kernel has taken all of it: so a
   * hint right behind a message may be lost, too. Use it only for what is sent again anyway.
   */
  typing(typing: RoomTyping | GroupTyping, hiddenFrom: readonly number[] = []): void {
    const room = typing.chat_type === 'room' ? userRoom(typing.other_user_id) : groupRoom(typing.chat_group_id);
    const hidden = [typing.user_id, ...hiddenFrom].map(userRoom);
    this.to(room).except(hidden).volatile.emit('typing', typing);
  }

  /** The ids of all sockets of a user. */
  socketsOf(userId: number): Iterable<string> {
    return this.server.sockets.adapter.rooms.get(userRoom(userId)) ?? [];
  }

  /**
   * Until when a user's sockets have received what was sent to them, on the clock of `now()`: until now, where one of them lives and nothing
   * waits for it.
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

  /** The client of a session has logged out over HTTP: that counts as a sign of life of its sockets. */
  goodbye(sessionId: number): void {
    for (const socket of this.liveSockets(sessionRoom(sessionId))) if (this.slowReceivers.isIdle(socket)) hear(socket);
  }

  /** Without those in their handshake. */
  private liveSockets(room: string): ParleySocket[] {
    const { sockets, adapter } = this.server.sockets;
    return [...(adapter.rooms.get(room) ?? [])].flatMap((id) => sockets.get(id) ?? []);
  }

  /**
   * Who came online or went offline, to one socket. Not volatile, since a lost change would stay wrong until the next one.
   * @returns `behind` where the socket does not keep up: nothing is sent, and must be sent later; `gone` where there is no such socket
   */
  presence(socketId: string, changes: (viewerId: number) => PresenceChange[]): 'sent' | 'behind' | 'gone' {
    const socket = this.server.sockets.sockets.get(socketId);
    if (!socket?.data.identity) return 'gone';
    if (isBehind(socket)) return 'behind';
    const mine = changes(socket.data.identity.userId);
    if (mine.length === 0) return 'sent';
    this.slowReceivers.published();
    socket.emit('presence', mine);
    return 'sent';
  }

  /** Events may have been lost on their way to this socket. @returns whether it is still there */
  resync(socket: ParleySocket, reason: ResyncReason): boolean {
    if (!socket.connected) return false;
    this.slowReceivers.published();
    socket.emit('resync', { reason });
    return true;
  }

  /** A user's new row, to everybody who is connected but these users. */
  userUpdateToAll(row: UserRow | UserErased, except: readonly number[] = []): void {
    this.to(EVERYBODY).except(except.map(userRoom)).emit('user_update', row);
  }

  /** The same, to these users. */
  userUpdate(row: UserRow | UserErased, userIds: readonly number[]): void {
    if (userIds.length > 0) this.to(userIds.map(userRoom)).emit('user_update', row);
  }

  /**
   * A group's new row, to its members. With `outside`, also to everybody else who is connected: `row`, or `closed` to users who were
   * removed, and nothing to users who are `apart`.
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

  /** A group was deleted, to everybody who is connected. */
  groupDeleted(deleted: GroupDeleted): void {
    this.to(EVERYBODY).emit('group_update', deleted);
  }

  /** The same, to those of its members who are connected to this node. They get nothing of it from here on. */
  groupEnded(deleted: GroupDeleted): void {
    const { adapter } = this.server.sockets;
    const rooms = [groupRoom(deleted.chat_group_id), outsideRoom(deleted.chat_group_id)];
    this.slowReceivers.published();
    this.server.local.to(rooms).emit('group_update', deleted);
    for (const room of rooms) for (const socketId of adapter.rooms.get(room) ?? []) void adapter.del(socketId, room);
  }

  /** The user's place in a group changed, to all of their sockets. */
  groupUpdate(userId: number, update: GroupUpdate): void {
    this.to(userRoom(userId)).emit('group_update', update);
  }

  /** Moves a user's sockets between the Socket.IO rooms of a group: those who are in, those outside, or neither. */
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

  /**
   * Before a user of this node enters a group: nothing is missed that other nodes publish to it from now on. Undefined where nothing has to be
   * waited for. Call `entered` afterwards.
   */
  entering(groupId: number): Promise<void> | undefined {
    return this.carried?.listen(groupRoom(groupId));
  }

  /** They have entered, or could not. */
  entered(groupId: number): void {
    this.carried?.unlistenUnlessUsed(groupRoom(groupId));
  }

  /** The sockets on this node that have a user. */
  boundSockets(): ParleySocket[] {
    return [...this.server.sockets.sockets.values()].filter(({ data }) => data.identity);
  }

  /** Those who have sockets on this node. */
  localUsers(): Set<number> {
    return new Set(this.boundSockets().map(({ data }) => data.identity!.userId));
  }

  /** The sessions that have sockets on this node. */
  localSessions(): Identity[] {
    const identities = this.boundSockets().map(({ data }) => data.identity!);
    return [...new Map(identities.map((identity) => [identity.sessionId, identity])).values()];
  }

  /** The groups in whose Socket.IO rooms a user's sockets are. */
  groupsOf(userId: number): Set<number> {
    const { adapter } = this.server.sockets;
    const groups = new Set<number>();
    for (const id of this.socketsOf(userId))
      for (const room of adapter.socketRooms(id) ?? []) {
        const groupId = groupOf(room);
        if (groupId !== undefined) groups.add(groupId);
      }
    return groups;
  }

  /** A request for access was made or answered, to every socket of the requester and of the owner. */
  accessRequest(ownerId: number, event: AccessRequestUpdate): void {
    this.to([userRoom(ownerId), userRoom(event.user_id)]).emit('access_request', event);
  }

  /** A report is new or was settled, to these users. */
  report(news: ReportNews, userIds: readonly number[]): void {
    if (userIds.length > 0) this.to(userIds.map(userRoom)).emit('report', news);
  }

  /** What `GET /http/server` says has changed, to everybody who is connected to this node. */
  serverUpdate(update: ServerUpdate): void {
    this.slowReceivers.published();
    this.server.local.to(EVERYBODY).emit('server_update', update);
  }

  /** A question to the bot with its answer, to every socket of the user who asked. */
  botMessages(userId: number, messages: BotMessages): void {
    this.to(userRoom(userId)).emit('message', messages);
  }

  /**
   * To each of a user's sockets, the part of a forming answer that it does not have yet. A socket that still has packets waiting is skipped,
   * so that nothing piles up for a slow one, and gets more the next time. (Socket.IO's `volatile` would leave holes, most of all on polling.)
   * @param sent by socket, how many UTF-16 units it has
   * @returns false where sockets were skipped
   */
  botDelta(userId: number, questionSeq: number, text: string, sent: WeakMap<ParleySocket, number>): boolean {
    const { sockets, adapter } = this.server.sockets;
    let haveAll = true;
    for (const id of adapter.rooms.get(userRoom(userId)) ?? []) {
      // Undefined while the socket is in its handshake.
      const socket = sockets.get(id);
      const offset = (socket && sent.get(socket)) ?? 0;
      if (offset === text.length) continue;
      if (socket && this.slowReceivers.isIdle(socket)) {
        socket.emit('bot_delta', { question_seq: questionSeq, offset, text: text.slice(offset) });
        sent.set(socket, text.length);
      } else haveAll = false;
    }
    return haveAll;
  }

  /** A request of the user's failed later: to all of their sockets. */
  userException(userId: number, error: DomainError, request: Exception['request']): void {
    this.to(userRoom(userId)).emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  exception(socket: ParleySocket, error: DomainError, request?: Exception['request']): void {
    // A client that sends without reading would make the answers pile up.
    if (this.slowReceivers.dropIfSlow(socket)) return;
    socket.emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  /** Closes every socket of a session, after sending the reason. A stock client does not connect again by itself. */
  closeSession(sessionId: number, reason: DomainError): void {
    this.to(sessionRoom(sessionId)).emit('exception', reason.toBody());
    this.server.in(sessionRoom(sessionId)).disconnectSockets(true);
  }
}

/** Those who would get the message itself now. */
const receiversOf = (
  update:
    | Pick<RoomMessageUpdate, 'chat_type' | 'user_id' | 'other_user_id'>
    | Pick<GroupMessageUpdate, 'chat_type' | 'chat_group_id'>,
): string | string[] =>
  update.chat_type === 'room'
    ? [userRoom(update.user_id), userRoom(update.other_user_id)]
    : groupRoom(update.chat_group_id);
