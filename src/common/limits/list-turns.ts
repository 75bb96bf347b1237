import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/**
 * Lets one list begin in each turn of the event loop, whoever asks. A list of a thousand rows keeps the loop busy for some
 * milliseconds: fifty that came at once would all be made before anybody's next message is looked at. Nothing is waited for but the
 * loop. Local to a node, whose loop it is.
 */
@Injectable()
export class ListTurns {
  private last: Promise<void> = Promise.resolve();

  next(): Promise<void> {
    return (this.last = this.last.then(() => nextTurn()));
  }
}
