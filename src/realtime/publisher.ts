import { Injectable } from '@nestjs/common';
import type { DomainError } from '../common/errors.js';
import type { Exception, ParleyServer, ParleySocket, RoomMessage } from './events.js';
import { sessionRoom, userRoom } from './rooms.js';

/** Tells sockets what happened. Call it after the commit: nothing that may still be undone is ever told. */
@Injectable()
export class Publisher {
  private server!: ParleyServer;

  /** The gateway calls this once, before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
  }

  /** A direct message, to every socket of both people. */
  roomMessage(message: RoomMessage): void {
    this.server.to([userRoom(message.user_id), userRoom(message.other_user_id)]).emit('message', message);
  }

  exception(socket: ParleySocket, error: DomainError, request?: Exception['request']): void {
    socket.emit('exception', { ...error.toBody(), ...(request && { request }) });
  }

  /** Closes every socket of a login, after telling why. A stock client does not come back by itself. */
  closeSession(sessionId: number, reason: DomainError): void {
    const sockets = this.server.in(sessionRoom(sessionId));
    sockets.emit('exception', reason.toBody());
    sockets.disconnectSockets(true);
  }
}
