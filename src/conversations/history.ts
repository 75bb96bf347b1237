import { Injectable } from '@nestjs/common';
import { type FindOptionsWhere, LessThan, MoreThan } from 'typeorm';
import { Invalid, NotFound } from '../common/errors.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Conversation, type ConversationKind } from './conversation.entity.js';
import { Member } from './member.entity.js';
import { Message } from './message.entity.js';
import { type MessageView, toMessageView } from './message.view.js';
import { PAGE_LIMIT, type PageQuery, parseUntil } from './page.dto.js';

/** What was said in a chat, page by page. */
@Injectable()
export class History {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** At most 100 messages, oldest first. Costs the same wherever in the chat they stand. @throws Invalid */
  async page(conversationId: number, { until, before, after, limit }: PageQuery): Promise<MessageView[]> {
    const given = Object.entries({ until, before, after }).filter(([, value]) => value != null);
    if (given.length > 1) throw new Invalid(`Send one of ${given.map(([name]) => name).join(' and ')}, not both.`);

    const where: FindOptionsWhere<Message> = { conversationId };
    if (until != null) where.createdAt = LessThan(parseUntil(until)!);
    if (before != null) where.seq = LessThan(before);
    if (after != null) where.seq = MoreThan(after);
    const direction = after == null ? 'DESC' : 'ASC';
    const rows = await this.unitOfWork.read.find(Message, {
      where,
      // By the column of the condition, so that the page is one range of one index.
      order: until == null ? { seq: direction } : { createdAt: direction },
      take: Math.min(limit ?? PAGE_LIMIT, PAGE_LIMIT),
    });
    if (direction === 'DESC') rows.reverse();
    return rows.map(toMessageView);
  }

  /** The caller is in this chat, and it is of this kind. @throws NotFound, the same for a chat that does not exist */
  async assertMember(kind: ConversationKind, conversationId: number, userId: number): Promise<void> {
    const what = kind === 'room' ? 'chat room' : kind;
    const isMember = await this.unitOfWork.read.existsBy(Member, { conversationId, userId });
    if (!isMember || !(await this.unitOfWork.read.existsBy(Conversation, { id: conversationId, kind })))
      throw new NotFound(what);
  }
}
