import { Injectable } from '@nestjs/common';
import { KeyedMutex } from '../../common/timing/keyed-mutex.js';

const WITHIN_MS = 4_000;

/**
 * What changes a user's place in a group, commit and sockets together, happens one thing after another for that user. Two transactions
 * may be answered in another order than they were committed in; the user's sockets would then stay where the older one put them.
 */
@Injectable()
export class UserMutex extends KeyedMutex<number> {
  constructor() {
    super(WITHIN_MS);
  }
}
