import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Audience } from './audience.js';
import { Publisher } from '../sockets/publisher.js';

/** Shortest time between two hints of one user in one chat. */
const EVERY_MS = 3_000;
/** Users and chats whose last hint is remembered; with more, some hints are passed on too often. */
const REMEMBERED = 100_000;

/** Passes on that a user types, at most every three seconds for each chat. Worth nothing a moment later, so nothing is kept. */
@Injectable()
export class Typing {
  private readonly recent = new LRUCache<string, true>({ max: REMEMBERED, ttl: EVERY_MS });

  constructor(
    private readonly audience: Audience,
    private readonly publisher: Publisher,
  ) {}

  /** @param mayReach whether the two have a room; asked only where there is something to pass on */
  async inRoom(userId: number, otherUserId: number, mayReach: () => Promise<boolean>): Promise<void> {
    if (!this.isDue(`${userId}>${otherUserId}`)) return;
    if (!(await mayReach()) || (await this.audience.mutuallyBlocked(userId)).has(otherUserId)) return;
    this.publisher.typing({ chat_type: 'room', other_user_id: otherUserId, user_id: userId });
  }

  /** @param assertIsIn throws where the caller is not in the group; called again right before it is passed on: they may be removed by then */
  async inGroup(userId: number, groupId: number, assertIsIn: () => void): Promise<void> {
    assertIsIn();
    if (!this.isDue(`${userId}:${groupId}`)) return;
    const apart = await this.audience.mutuallyBlocked(userId);
    assertIsIn();
    this.publisher.typing({ chat_type: 'group', chat_group_id: groupId, user_id: userId }, [...apart]);
  }

  private isDue(key: string): boolean {
    if (this.recent.has(key)) return false;
    this.recent.set(key, true);
    return true;
  }
}
