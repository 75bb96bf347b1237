import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/** Whoever is being erased, as they were until now. */
export interface ErasedPerson {
  id: number;
  email: string;
}

/** @returns conversations that end with the account, whose messages are still to be deleted */
type Step = (tx: EntityManager, person: ErasedPerson) => Promise<readonly number[] | void>;

/**
 * What has to go when somebody erases their account. Each part of the house says once what it keeps about people; all of it goes in
 * one transaction, which holds the person's row and those of all their chats.
 */
@Injectable()
export class Erasure {
  private readonly steps: Step[] = [];

  /** `step` deletes in the transaction that it is given; what others are to learn of it, it records there (`DomainEvents.record`). */
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
