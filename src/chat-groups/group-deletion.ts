import { Injectable } from '@nestjs/common';
import type { Identity } from '../common/identity.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Sessions } from '../identity/sessions.js';
import { ChatGroup } from './chat-group.entity.js';
import { GroupMembership } from './membership/group-membership.js';

/** The end of a group by its owner, whoever else is a member. */
@Injectable()
export class GroupDeletion {
  constructor(
    private readonly membership: GroupMembership,
    private readonly sessions: Sessions,
    private readonly events: DomainEvents,
  ) {}

  /**
   * Deletes a group with all that is in it: it is gone for everybody, on every node, when this resolves.
   * @throws NotFound to those outside; Forbidden to members who are not the owner; `group_frozen`
   */
  async delete(me: Identity, groupId: number): Promise<void> {
    await this.sessions.write(
      me,
      async (tx) => {
        const group = await this.membership.lockAsOwner(tx, me, groupId);
        await this.membership.deleteGroup(tx, group);
      },
      { isDone: async (tx) => !(await tx.existsBy(ChatGroup, { conversationId: groupId })) },
    );
    await this.events.heardElsewhere();
  }
}
