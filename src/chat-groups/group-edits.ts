import { Injectable } from '@nestjs/common';
import { Forbidden } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { type EditRules, MessageEdits } from '../conversations/message-edits.js';
import type { MessageView } from '../conversations/message.view.js';
import { Publisher } from '../sockets/publisher.js';
import { ChatGroup } from './chat-group.entity.js';
import { GroupNotifications } from './attendance/group-notifications.js';

/** Edits and deletes messages to groups: members their own; the owner may delete those of others, too. */
@Injectable()
export class GroupEdits {
  constructor(
    private readonly edits: MessageEdits,
    private readonly notifications: GroupNotifications,
    private readonly publisher: Publisher,
  ) {}

  /** Then tells everybody who is in. @throws NotFound to those who are no members; Forbidden; `message_deleted` */
  edit(me: Identity, groupId: number, seq: number, text: string): Promise<MessageView> {
    const rules = this.rules(groupId, (_tx, senderId) => {
      if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit it.');
      return Promise.resolve();
    });
    return this.edits.edit(me, { kind: 'group', conversationId: groupId, seq }, text, rules);
  }

  /** Then tells everybody who is in. @throws NotFound to those who are no members; Forbidden */
  remove(me: Identity, groupId: number, seq: number): Promise<MessageView> {
    const rules = this.rules(groupId, async (tx, senderId) => {
      if (senderId === me.userId) return;
      if (!(await tx.existsBy(ChatGroup, { conversationId: groupId, ownerId: me.userId })))
        throw new Forbidden('Only who sent a message, or the owner of the group, can delete it.');
    });
    return this.edits.remove(me, { kind: 'group', conversationId: groupId, seq }, rules);
  }

  private rules(groupId: number, authorize: EditRules['authorize']): EditRules {
    return {
      authorize,
      tell: (changed) => {
        this.publisher.messageUpdate({ chat_type: 'group', chat_group_id: groupId, ...changed });
        this.notifications.changed(groupId, changed);
      },
    };
  }
}
