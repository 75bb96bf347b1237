import { Injectable } from '@nestjs/common';
import { KeyedMutex } from '../../common/timing/keyed-mutex.js';

const WITHIN_MS = 4_000;

/**
 * Changes of one user's place in groups, each commit with the move of the sockets, happen one after the other. Two transactions may be
 * answered in another order than they were committed in: without this, the user's sockets would stay where the older one put them.
 */
@Injectable()
export class UserMutex extends KeyedMutex<number> {
  constructor() {
    super(WITHIN_MS);
  }
}
