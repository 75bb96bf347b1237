import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/**
 * Starts one list in each turn of the event loop. A list of a thousand rows keeps the loop busy for some milliseconds: fifty at once would
 * all be made before the next message is read. A list waits for nothing but the loop. Local to a node.
 */
@Injectable()
export class ListTurns {
  private last: Promise<void> = Promise.resolve();

  next(): Promise<void> {
    return (this.last = this.last.then(() => nextTurn()));
  }
}
