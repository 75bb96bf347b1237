import { Injectable, type OnModuleInit } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Erasure } from '../identity/erasure.js';
import { PresenceNews } from '../people/presence-news.js';
import { Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';
import { Invalid, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { Block } from '../people/block.entity.js';
import { Blocks } from '../people/blocks.js';
import { Audience } from '../people/audience.js';

/** Whom somebody wants to hear nothing more from. */
@Injectable()
export class BlockingService implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly presenceNews: PresenceNews,
    private readonly audience: Audience,
    private readonly sessions: Sessions,
    private readonly blocks: Blocks,
  ) {}

  onModuleInit(): void {
    this.audience.hideBy(this.blocks);
    this.erasure.onErase(async (tx, { id }) => {
      await tx.delete(Block, { blockerId: id });
      await tx.delete(Block, { blockedId: id });
    });
  }

  /** From the answer on, no direct message passes between the two. @throws Invalid for oneself; NotFound for nobody */
  async block(me: Identity, userId: number): Promise<void> {
    assertOther(me, userId);
    const isNew = await this.sessions.write(me, (tx) => this.blocks.add(tx, me.userId, userId));
    if (isNew) this.presenceNews.veil(me.userId, userId);
  }

  /** Takes a block back, if there is one. @throws Invalid for oneself; NotFound for nobody */
  async unblock(me: Identity, userId: number): Promise<void> {
    assertOther(me, userId);
    const wasBlocked = await this.sessions.write(me, async (tx) => {
      if (!(await tx.existsBy(User, { id: userId, erasedAt: IsNull() }))) throw new NotFound('user');
      const block = { blockerId: me.userId, blockedId: userId };
      if (!(await tx.existsBy(Block, block))) return false;
      await tx.delete(Block, block);
      return true;
    });
    if (wasBlocked) this.presenceNews.veil(me.userId, userId);
  }
}

function assertOther(me: Identity, userId: number): void {
  if (userId === me.userId) throw new Invalid('The id is your own. Block somebody else.', { id: ['is your own'] });
}
