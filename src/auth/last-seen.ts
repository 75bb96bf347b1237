import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Gather } from '../common/gather.js';
import { greatest, placeholders, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../realtime/presence.js';

/** People of one statement. */
const CHUNK = 500;

/** Stores when people were last here: many go at once when a network does, and share a transaction. */
@Injectable()
export class LastSeen implements OnModuleInit, BeforeApplicationShutdown {
  private readonly gone: Gather<number, Date>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly clock: Clock,
  ) {
    this.gone = new Gather('LastSeen', 0, (gone) => this.store([...gone]));
  }

  onModuleInit(): void {
    this.presence.onOffline((userId, at) => this.gone.add(userId, at));
  }

  /** Everybody's last socket is about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    const now = this.clock.now();
    for (const userId of this.presence.online()) this.gone.add(userId, now);
    await this.gone.flush().catch(() => undefined);
    await this.gone.stop();
  }

  /** Resolves when it is stored for everybody who has gone by now. */
  stored(): Promise<void> {
    return this.gone.flush();
  }

  private async store(gone: [userId: number, at: Date][]): Promise<void> {
    for (let i = 0; i < gone.length; i += CHUNK) {
      const some = gone.slice(i, i + CHUNK);
      const ids = some.map(([userId]) => userId);
      const cases = some.flatMap(([userId, at]) => [userId, toMoment(at)]);
      await this.unitOfWork.run((tx) => {
        const at = `CASE id ${'WHEN ? THEN ? '.repeat(some.length)}END`;
        // Nobody is seen before they came: the clock may have been set back since. Of those who have erased their account nothing is
        // known any more.
        const sql = `UPDATE users SET last_seen = ${greatest(tx, 'created_at', at)} WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL`;
        return tx.query(sql, [...cases, ...ids]);
      });
    }
  }
}
