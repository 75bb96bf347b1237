import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { logLine } from '../common/logs/log-line.js';

/** Whoever is being erased, as they were until now. */
export interface ErasedPerson {
  id: number;
  email: string;
}

/** Tells those whom it concerns; runs after the commit. */
export type AfterErasure = () => void | Promise<void>;

type Step = (tx: EntityManager, person: ErasedPerson) => Promise<AfterErasure | void>;

/**
 * What has to go when somebody erases their account. Each part of the house says once what it keeps about people; all of it goes in
 * one transaction, which holds the person's row and those of all their chats.
 */
@Injectable()
export class Erasure {
  private readonly logger = new Logger(Erasure.name);
  private readonly steps: Step[] = [];

  /** `step` deletes in the transaction that it is given, and returns what to do after the commit, if anything. */
  onErase(step: Step): void {
    this.steps.push(step);
  }

  /** Inside the caller's transaction. Call the result after the commit: it tells everybody, and never throws. */
  async run(tx: EntityManager, person: ErasedPerson): Promise<() => Promise<void>> {
    const after: AfterErasure[] = [];
    for (const step of this.steps) {
      const tell = await step(tx, person);
      if (tell) after.push(tell);
    }
    return async () => {
      for (const tell of after) await this.quietly(tell);
    };
  }

  /** It is done: that somebody was not told of it must not look like a failure. */
  private async quietly(tell: AfterErasure): Promise<void> {
    try {
      await tell();
    } catch (error) {
      this.logger.error(`An erasure was not told to everybody: ${logLine(error)}`);
    }
  }
}
