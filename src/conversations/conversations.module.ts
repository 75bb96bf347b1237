import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Conversation } from './conversation.entity.js';
import { ChatKinds } from './chat-kind.js';
import { ConversationRemoval } from './conversation-removal.js';
import { ConsumerMark } from './consumers/consumer-mark.entity.js';
import { ConsumerMarks } from './consumers/consumer-marks.js';
import { Consumers } from './consumers/consumers.js';
import { DeletedConversation } from './deleted-conversation.entity.js';
import { History } from './history.js';
import { Member } from './member.entity.js';
import { Mention } from './mention.entity.js';
import { Mentions } from './mentions.js';
import { Message } from './message.entity.js';
import { MessageChange } from './message-change.entity.js';
import { MessageChanges } from './message-changes.js';
import { MessageEdits } from './message-edits.js';
import { MessageLog } from './message-log.js';
import { DeletedReactions } from './reactions/deleted-reactions.entity.js';
import { Reaction } from './reactions/reaction.entity.js';
import { ReactionRemoval } from './reactions/reaction-removal.js';
import { ReactionTotal } from './reactions/reaction-total.entity.js';
import { Reactions } from './reactions/reactions.js';
import { ReadMarks } from './read-marks.js';
import { Receipts } from './receipts.js';
import { SharedPages } from './shared-pages.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([
      Conversation,
      Member,
      Mention,
      Message,
      MessageChange,
      DeletedConversation,
      Reaction,
      ReactionTotal,
      DeletedReactions,
      ConsumerMark,
    ]),
  ],
  providers: [
    ChatKinds,
    ConversationRemoval,
    MessageLog,
    MessageChanges,
    MessageEdits,
    Mentions,
    Reactions,
    ReactionRemoval,
    ConsumerMarks,
    Consumers,
    History,
    SharedPages,
    ReadMarks,
    Receipts,
  ],
  exports: [
    ChatKinds,
    ConversationRemoval,
    MessageLog,
    MessageChanges,
    MessageEdits,
    Mentions,
    Reactions,
    Consumers,
    History,
    ReadMarks,
    Receipts,
  ],
})
export class ConversationsModule {}
