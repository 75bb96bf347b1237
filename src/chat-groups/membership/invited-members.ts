import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NotFound, QuotaExceeded } from '../../common/errors.js';
import { lockConversations } from '../../conversations/conversation-locks.js';
import { type InvitedAccount, NewAccounts } from '../../identity/new-accounts.js';
import type { ChatGroup } from '../chat-group.entity.js';
import { GroupMembership } from './group-membership.js';

/**
 * Whether an invitation may lead into a group: no further than who makes it could bring others. Everybody enters an open group; into a
 * private one its owner alone brings people. Else an admin would read any chat, by an account that they invite.
 */
export const mayLeadInto = ({ isPrivate, ownerId }: Pick<ChatGroup, 'isPrivate' | 'ownerId'>, by: number | null) =>
  !isPrivate || ownerId === by;

/**
 * Makes those who register by an invitation members of the groups that it leads into, in the transaction that makes their account. Groups
 * that are gone, frozen or closed to it by now, or beyond how many one may be in, are left out, and nobody is told.
 */
@Injectable()
export class InvitedMembers implements OnModuleInit {
  constructor(
    private readonly membership: GroupMembership,
    private readonly newAccounts: NewAccounts,
  ) {}

  onModuleInit(): void {
    this.newAccounts.onInvited((tx, account) => this.add(tx, account));
  }

  private async add(tx: EntityManager, { userId, groupIds, invitedBy }: InvitedAccount): Promise<void> {
    const ids = [...groupIds].sort((one, other) => one - other);
    // All at once: one by one, each that is busy would begin the whole transaction anew.
    await lockConversations(tx, ids);
    for (const groupId of ids) {
      try {
        const group = await this.membership.lock(tx, groupId);
        if (group.isFrozen || !mayLeadInto(group, invitedBy)) continue;
        // As a member whom the owner adds: they are in it once they come.
        await this.membership.addMember(tx, group, userId, false);
      } catch (error) {
        // Both come before anything is written.
        if (error instanceof QuotaExceeded) return;
        if (!(error instanceof NotFound)) throw error;
      }
    }
  }
}
