import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Identity } from '../common/identity.js';
import { toStoredFields } from '../conversations/draft.js';
import { toExtras } from '../conversations/extras.js';
import { History } from '../conversations/history.js';
import { MessageLog } from '../conversations/message-log.js';
import type { PageQuery } from '../conversations/page.dto.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { BotMessage, BotStopped, Stored } from '../sockets/events.js';
import { BotAnswers } from './bot-answers.js';
import { BotBudget } from './bot-budget.js';
import { BotChats, toBotMessage } from './bot-chats.js';
import type { AskBot, StopBot } from './dto/bot.dto.js';

/** The caller's own chat with the bot. */
@Injectable()
export class BotService implements OnModuleInit {
  constructor(
    private readonly log: MessageLog,
    private readonly history: History,
    private readonly chats: BotChats,
    private readonly answers: BotAnswers,
    private readonly budget: BotBudget,
    private readonly events: DomainEvents,
  ) {}

  onModuleInit(): void {
    this.events.on('messageStored', ({ kind, target, body }) => {
      if (kind !== 'bot' || target.answers !== undefined) return;
      // At once: the next batch of questions is checked against this count.
      this.budget.asked(target.userId, body);
      this.answers.answerSoon(target.userId);
    });
  }

  /** A page of the caller's chat with the bot; empty where there is none yet. @throws Invalid */
  async messages(me: Identity, page: PageQuery): Promise<BotMessage[]> {
    const chat = await this.chats.of(me.userId);
    return chat ? (await this.history.page(chat, page)).map(toBotMessage) : [];
  }

  /** Stores a question; the answer follows. @throws `busy` where five wait; RateLimited where a day's budget is spent; as for rooms */
  async ask(me: Identity, request: AskBot): Promise<Stored> {
    const clientId = request.client_id ?? undefined;
    const target = { userId: me.userId };
    // Nothing is awaited before this line: two questions of one socket enter the queue in the order in which they came.
    const draft = { kind: 'bot', sender: me, target, body: request.message, clientId } as const;
    const stored = await this.log.append({ ...draft, extras: toExtras(request) });
    return { ok: true, ...toStoredFields(stored, clientId) };
  }

  /**
   * Ends the answer to a question of the caller's, on all devices, and keeps the text so far; does nothing where it has ended already.
   * Resolves once that is stored. @throws NotFound; Unavailable
   */
  async stop(me: Identity, { question_seq }: StopBot): Promise<BotStopped> {
    await this.answers.stop(me.userId, question_seq);
    return { ok: true, question_seq };
  }
}
