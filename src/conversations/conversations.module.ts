import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Conversation } from './conversation.entity.js';
import { ChatKinds } from './chat-kind.js';
import { ConversationRemoval } from './conversation-removal.js';
import { DeletedConversation } from './deleted-conversation.entity.js';
import { History } from './history.js';
import { Member } from './member.entity.js';
import { Message } from './message.entity.js';
import { MessageChange } from './message-change.entity.js';
import { MessageChanges } from './message-changes.js';
import { MessageEdits } from './message-edits.js';
import { MessageLog } from './message-log.js';
import { ReadMarks } from './read-marks.js';
import { Receipts } from './receipts.js';

@Module({
  imports: [TypeOrmModule.forFeature([Conversation, Member, Message, MessageChange, DeletedConversation])],
  providers: [ChatKinds, ConversationRemoval, MessageLog, MessageChanges, MessageEdits, History, ReadMarks, Receipts],
  exports: [ChatKinds, ConversationRemoval, MessageLog, MessageChanges, MessageEdits, History, ReadMarks, Receipts],
})
export class ConversationsModule {}
