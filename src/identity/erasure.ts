import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/** The user whose account is being erased, as they were until now. */
export interface ErasedPerson {
  id: number;
  email: string;
}

/** @returns conversations that end with the account, whose messages are still to be deleted */
type Step = (tx: EntityManager, person: ErasedPerson) => Promise<readonly number[] | void>;

/**
 * What is deleted with an account. Each part of the house registers a step that deletes what it keeps about users. All steps run in one
 * transaction, which holds the rows of the user and of all their chats.
 */
@Injectable()
export class Erasure {
  private readonly steps: Step[] = [];

  /** `step` deletes in the transaction that it is given, and records its events there (`DomainEvents.record`). Call this in `onModuleInit`. */
  onErase(step: Step): void {
    this.steps.push(step);
  }

  /** Inside the caller's transaction. @returns conversations whose messages are still to be deleted */
  async run(tx: EntityManager, person: ErasedPerson): Promise<number[]> {
    const ended: number[] = [];
    for (const step of this.steps) ended.push(...((await step(tx, person)) ?? []));
    return ended;
  }
}
