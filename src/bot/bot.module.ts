import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG } from '../config/config.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AnswerNews } from './answer-news.js';
import { BOT_ENGINE, BotAnswers } from './bot-answers.js';
import { BotController } from './bot.controller.js';
import { BotBudget } from './bot-budget.js';
import { BotChat } from './bot-chat.entity.js';
import { BotChats } from './bot-chats.js';
import { BotQuestion } from './bot-question.entity.js';
import { BotKind } from './bot-kind.js';
import { BotService } from './bot.service.js';
import { createEngine } from './engines/create-engine.js';

@Module({
  imports: [TypeOrmModule.forFeature([BotChat, BotQuestion]), ConversationsModule],
  controllers: [BotController],
  providers: [
    { provide: BOT_ENGINE, inject: [CONFIG], useFactory: createEngine },
    BotService,
    BotAnswers,
    AnswerNews,
    BotBudget,
    BotChats,
    BotKind,
  ],
  exports: [BotChats, BotService],
})
export class BotModule {}
