import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { lockUsers } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';
import { Clock } from '../common/timing/clock.js';
import { Invalid, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { lockConversation } from '../conversations/conversation-locks.js';
import { Block } from '../people/block.entity.js';
import { pairOf } from '../people/pair.js';

/** Makes blocks, and takes them back. */
@Injectable()
export class BlockingService implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id }) => {
      await tx.delete(Block, { blockerId: id });
      await tx.delete(Block, { blockedId: id });
    });
  }

  /** From the answer on, no direct message passes between the two. @throws Invalid for oneself; NotFound where there is no such user */
  async block(me: Identity, userId: number): Promise<void> {
    assertOther(me, userId);
    const block = { blockerId: me.userId, blockedId: userId };
    await this.sessions.write(
      me,
      async (tx) => {
        if (await this.add(tx, me.userId, userId)) this.events.record(tx, 'blockChanged', block);
      },
      { isDone: (tx) => tx.existsBy(Block, block) },
    );
    await this.events.heardElsewhere();
  }

  /**
   * Blocks, inside the caller's transaction: from its commit on, no message between the two is stored. Appends lock the room's
   * conversation, or both users where they make the room; so this locks both, in the same order: users, conversation.
   * @returns whether there was no such block before. @throws NotFound where one of the two has no account
   */
  async add(tx: EntityManager, blockerId: number, blockedId: number): Promise<boolean> {
    const { low, high } = pairOf(blockerId, blockedId);
    const people = await lockUsers(tx, [low, high]);
    if (people.filter((user) => user.erased_at === null).length < 2) throw new NotFound('user');
    const [room] = await tx.query<{ id: number }[]>(
      'SELECT conversation_id AS id FROM chat_rooms WHERE user_low = ? AND user_high = ?',
      [low, high],
    );
    if (room) await lockConversation(tx, room.id);
    if (await tx.existsBy(Block, { blockerId, blockedId })) return false;
    await tx.insert(Block, { blockerId, blockedId, createdAt: this.clock.now() });
    return true;
  }

  /** Takes a block back, if there is one. @throws Invalid for oneself; NotFound where there is no such user */
  async unblock(me: Identity, userId: number): Promise<void> {
    assertOther(me, userId);
    const block = { blockerId: me.userId, blockedId: userId };
    await this.sessions.write(
      me,
      async (tx) => {
        if (!(await tx.existsBy(User, { id: userId, erasedAt: IsNull() }))) throw new NotFound('user');
        if (!(await tx.existsBy(Block, block))) return;
        await tx.delete(Block, block);
        this.events.record(tx, 'blockChanged', block);
      },
      { isDone: async (tx) => !(await tx.existsBy(Block, block)) },
    );
  }
}

function assertOther(me: Identity, userId: number): void {
  if (userId === me.userId) throw new Invalid('The id is your own. Block somebody else.', { id: ['is your own'] });
}
