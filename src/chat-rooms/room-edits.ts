import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Forbidden, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { blocked, Blocks } from '../people/blocks.js';
import { type EditRules, MessageEdits } from '../conversations/message-edits.js';
import type { MessageView } from '../conversations/message.view.js';
import { pairOf } from '../people/pair.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Publisher } from '../sockets/publisher.js';
import { ChatRoom } from './chat-room.entity.js';

/** Edits and deletes direct messages: each person their own. */
@Injectable()
export class RoomEdits {
  constructor(
    private readonly edits: MessageEdits,
    private readonly blocks: Blocks,
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
  ) {}

  /** Then tells both people. @throws NotFound; Forbidden; `blocked`, since an edit is one more way to write; `message_deleted` */
  async edit(me: Identity, roomId: number, seq: number, text: string): Promise<MessageView> {
    const otherUserId = await this.otherOf(me, roomId);
    const rules = this.rules(me, roomId, otherUserId, async (tx) => {
      const pair = pairOf(me.userId, otherUserId);
      const isBlocked = await this.blocks.among(tx, [pair]);
      if (isBlocked(pair)) throw blocked();
    });
    return this.edits.edit(me, { kind: 'room', conversationId: roomId, seq }, text, rules);
  }

  /** Then tells both people, also where one has blocked the other: it says nothing. @throws NotFound; Forbidden */
  async remove(me: Identity, roomId: number, seq: number): Promise<MessageView> {
    const rules = this.rules(me, roomId, await this.otherOf(me, roomId));
    return this.edits.remove(me, { kind: 'room', conversationId: roomId, seq }, rules);
  }

  /** The two people of a room never change. @throws NotFound where the caller is not one of them */
  private async otherOf(me: Identity, roomId: number): Promise<number> {
    const room = await this.unitOfWork.read.findOneBy(ChatRoom, { conversationId: roomId });
    if (room?.userLow === me.userId) return room.userHigh;
    if (room?.userHigh === me.userId) return room.userLow;
    throw new NotFound('chat room');
  }

  private rules(
    me: Identity,
    roomId: number,
    otherUserId: number,
    mayWrite?: (tx: EntityManager) => Promise<void>,
  ): EditRules {
    return {
      authorize: async (tx, senderId) => {
        if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit or delete it.');
        await mayWrite?.(tx);
      },
      tell: (changed) =>
        this.publisher.messageUpdate({
          chat_type: 'room',
          other_user_id: otherUserId,
          chat_room_id: roomId,
          ...changed,
        }),
    };
  }
}
