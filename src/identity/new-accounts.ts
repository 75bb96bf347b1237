import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/** An account that is being made by an invitation. */
export interface InvitedAccount {
  userId: number;
  /** Groups that the invitation leads into. */
  groupIds: readonly number[];
  /** Who has made the invitation; null: the command line, or somebody whose account is erased. */
  invitedBy: number | null;
}

type Step = (tx: EntityManager, account: InvitedAccount) => Promise<void>;

/** What comes with an account that an invitation makes, in its transaction: features register it here, as what `Erasure` takes away. */
@Injectable()
export class NewAccounts {
  private readonly steps: Step[] = [];

  /** `step` writes in the transaction that it is given. What it throws keeps the account from being made. Call this in `onModuleInit`. */
  onInvited(step: Step): void {
    this.steps.push(step);
  }

  /** Inside the transaction that has made the account. */
  async invited(tx: EntityManager, account: InvitedAccount): Promise<void> {
    for (const step of this.steps) await step(tx, account);
  }
}
