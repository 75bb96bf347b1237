import { Injectable } from '@nestjs/common';
import { Busy } from '../../common/errors.js';

/** Whoever waits longer is told so, and nothing was done: the turns before may each wait for a database that says nothing. */
const TURN_WITHIN_MS = 4_000;

/**
 * Whatever changes a person's place in a group, commit and sockets together, happens one thing after another for that person. Two
 * transactions may be answered in another order than they were committed in; their sockets would then stay where the older put them.
 * Never take a turn inside a transaction.
 */
@Injectable()
export class PersonTurns {
  /** What each person's next turn has to wait for. */
  private readonly last = new Map<number, Promise<unknown>>();

  /** Runs `work` once everything is done that concerns one of these people and was asked for earlier. @throws Busy */
  take<T>(userIds: number[], work: () => Promise<T>): Promise<T> {
    // Taken for all of them at once, here: two turns never wait for each other.
    const until = performance.now() + TURN_WITHIN_MS;
    const turn = Promise.all(userIds.flatMap((userId) => this.last.get(userId) ?? [])).then(() => {
      if (performance.now() > until) throw new Busy();
      return work();
    });
    const over: Promise<void> = turn.then(
      () => this.forget(userIds, over),
      () => this.forget(userIds, over),
    );
    for (const userId of userIds) this.last.set(userId, over);
    return turn;
  }

  private forget(userIds: number[], over: Promise<unknown>): void {
    for (const userId of userIds) if (this.last.get(userId) === over) this.last.delete(userId);
  }
}
