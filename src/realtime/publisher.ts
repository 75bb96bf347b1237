import { Injectable } from '@nestjs/common';
import type { DomainError } from '../common/errors.js';
import type {
  AccessRequestUpdate,
  BotMessages,
  Exception,
  GroupMessage,
  GroupMessageUpdate,
  GroupNotice,
  GroupNotification,
  GroupUpdate,
  ParleyServer,
  ParleySocket,
  RoomMessage,
  RoomMessageUpdate,
} from './events.js';
import { BEHIND_ROOM, groupRoom, outsideRoom, sessionRoom, userRoom } from './rooms.js';
import { SlowReceivers } from './slow-receivers.js';

/** Tells sockets what happened. Call it after the commit: nothing that may still be undone is ever told. */
@Injectable()
export class Publisher {
  private attached!: ParleyServer;

  constructor(private readonly slowReceivers: SlowReceivers) {}

  /** The gateway calls this once, before the first socket. */
  attach(server: ParleyServer): void {
    this.attached = server;
    this.slowReceivers.attach(server);
  }

  /** Whatever is told passes here. */
  private get server(): ParleyServer {
    this.slowReceivers.published();
    return this.attached;
  }

  /** A direct message, to every socket of both people. */
  roomMessage(message: RoomMessage): void {
    this.server.to([userRoom(message.user_id), userRoom(message.other_user_id)]).emit('message', message);
  }

  /** A group message, to every socket of everybody in the group. */
  groupMessage(message: GroupMessage): void {
    this.server.to(groupRoom(message.chat_group_id)).emit('message', message);
  }

  /** A message was edited or deleted: to whom the message itself would go now. */
  messageUpdate(update: RoomMessageUpdate | GroupMessageUpdate): void {
    const receivers =
      update.chat_type === 'room'
        ? [userRoom(update.user_id), userRoom(update.other_user_id)]
        : groupRoom(update.chat_group_id);
    this.server.to(receivers).emit('message_update', update);
  }

  /** Who came or went, to those who are in the group and keep up. */
  groupNotice(notice: GroupNotice): void {
    this.server.to(groupRoom(notice.chat_group_id)).except(BEHIND_ROOM).emit('message', notice);
  }

  /** Something new, to the members who are online and not in the group. */
  groupNotification(notification: GroupNotification): void {
    // One who writes from outside knows.
    const writer = userRoom(notification.user_id);
    this.server.to(outsideRoom(notification.chat_group_id)).except(writer).emit('notification', notification);
  }

  /** On one device a person entered or left; all of theirs are told. */
  groupUpdate(userId: number, update: GroupUpdate): void {
    this.server.to(userRoom(userId)).emit('group_update', update);
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
    this.server.to([userRoom(ownerId), userRoom(event.user_id)]).emit('access_request', event);
  }

  /** What was asked and answered, to every socket of the person who asked. */
  botMessages(userId: number, messages: BotMessages): void {
    this.server.to(userRoom(userId)).emit('message', messages);
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
    this.server.to(userRoom(userId)).emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  exception(socket: ParleySocket, error: DomainError, request?: Exception['request']): void {
    // Who sends without reading the answers would have us keep them.
    if (this.slowReceivers.dropIfSlow(socket)) return;
    socket.emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  /** Closes every socket of a login, after telling why. A stock client does not come back by itself. */
  closeSession(sessionId: number, reason: DomainError): void {
    const sockets = this.server.in(sessionRoom(sessionId));
    sockets.emit('exception', reason.toBody());
    sockets.disconnectSockets(true);
  }
}
