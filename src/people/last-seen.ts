import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import { Backoff } from '../common/timing/backoff.js';
import { Clock } from '../common/timing/clock.js';
import { Batcher } from '../common/timing/batcher.js';
import { chunks } from '../database/chunks.js';
import { fromMoment, greatest, placeholders, toMoment, upsertRows } from '../database/dialect.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { lockRow } from '../database/row-locks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { lockFreeUsers } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';

/** Users who come online within this time share a transaction. */
const GATHER_MS = 200;
/** How often the time of the server's last sign of life is stored, while anybody is online. */
const BEAT_EVERY_MS = 30_000;
/** How often, and with what pauses, rows are tried that another transaction holds: for some 200 ms. */
const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;
/** When rows are tried again that were held for longer. */
const HELD_AGAIN_MS = 1_000;
/** The one row of `server_beats`: one process owns the database. Several would need a row each, named in `online_people`. */
const BEAT_ID = 1;

/**
 * Stores when users were last seen. Many go offline at once when a network breaks: they share a transaction. Who is online is stored, too,
 * and twice a minute the time. After a crash, those who were online then count as last seen at the last such time.
 */
@Injectable()
export class LastSeen implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly came: Batcher<number, true>;
  private readonly gone: Batcher<number, Date>;
  /** Comings and goings are stored in the order in which they happened. */
  private readonly inTurn = pLimit(1);
  /** Users who went offline, whose rows another transaction holds: the others are stored meanwhile. After a crash, these count as online. */
  private readonly held = new Map<number, Date>();
  /** Users who are or were among these: their rows are published again once the time is stored. */
  private readonly late = new Set<number>();
  private beating?: NodeJS.Timeout;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {
    this.came = new Batcher('Storing who is online', GATHER_MS, (came) =>
      this.inTurn(() => this.note([...came.keys()])),
    );
    this.gone = new Batcher('Storing when users were last seen', 0, (gone) => this.inTurn(() => this.store([...gone])));
  }

  onModuleInit(): void {
    this.events.on('wentOnline', ({ userId }) => {
      this.held.delete(userId);
      this.late.delete(userId);
      this.came.add(userId, true);
    });
    this.events.on('wentOffline', ({ userId, at }) => this.gone.add(userId, at));
    // A transaction that has only just put it there cannot be waited for by this: it is deleted as they go, with their sockets.
    this.erasure.onErase(async (tx, { id }) => {
      const row = { columns: 'user_id', table: 'online_people', where: 'user_id = ?', values: [id] };
      if (await lockRow(tx, row)) await forget(tx, [id]);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.unitOfWork.run((tx) => this.storeThoseBefore(tx));
    this.beating = setInterval(() => void this.beat(), BEAT_EVERY_MS).unref();
  }

  /** All sockets are about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.beating);
    await this.came.stop();
    const now = this.clock.now();
    for (const userId of this.presence.online()) this.gone.add(userId, now);
    await this.gone.flush().catch(() => undefined);
    await this.gone.stop();
  }

  /** Resolves when the time is stored of all who have gone offline by now. */
  stored(): Promise<void> {
    return this.gone.flush();
  }

  /** After a crash: those who were online were last seen when the server was last known to run. */
  private async storeThoseBefore(tx: EntityManager): Promise<void> {
    const [beat] = await tx.query<{ alive_at: string | Date }[]>('SELECT alive_at FROM server_beats WHERE id = ?', [
      BEAT_ID,
    ]);
    if (!beat) return;
    const aliveAt = toMoment(fromMoment(beat.alive_at));
    await tx.query(
      `UPDATE users SET last_seen = ${greatest(tx, 'created_at', '?')} WHERE id IN (SELECT user_id FROM online_people)
       AND erased_at IS NULL AND (last_seen IS NULL OR last_seen < ?)`,
      [aliveAt, aliveAt],
    );
    await tx.query('DELETE FROM online_people');
  }

  private async note(came: number[]): Promise<void> {
    for (const some of chunks(came)) {
      // Users who have gone offline meanwhile were stored so, or will be after this.
      const here = some.filter((userId) => this.presence.isOnline(userId));
      if (here.length === 0) continue;
      const rows = here.map((userId) => [userId]);
      await this.unitOfWork.run(async (tx) => {
        await upsertRows(tx, 'online_people', 'user_id', rows, 'user_id', 'user_id = new(user_id)');
        await this.storeBeat(tx);
      });
    }
  }

  private async beat(): Promise<void> {
    if (this.presence.online().length === 0) return;
    // Where the database is away, the next beat is soon enough.
    await this.unitOfWork.run((tx) => this.storeBeat(tx)).catch(() => undefined);
  }

  private storeBeat(tx: EntityManager): Promise<void> {
    const row = [BEAT_ID, toMoment(this.clock.now())];
    return upsertRows(tx, 'server_beats', 'id, alive_at', [row], 'id', 'alive_at = new(alive_at)');
  }

  private async store(gone: [userId: number, at: Date][]): Promise<void> {
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    let left = await this.storeFree(gone);
    // Most rows are held for a moment only, by a message to that user, say. `stored` waits for this.
    for (let tries = 1; left.length > 0 && tries < MOST_TRIES; tries++) {
      await sleep(backoff.next());
      left = await this.storeFree(left);
    }
    if (left.length > 0) this.setAside(left);
  }

  /** @returns those whose rows another transaction holds */
  private async storeFree(gone: [userId: number, at: Date][]): Promise<[userId: number, at: Date][]> {
    const held: [userId: number, at: Date][] = [];
    for (const some of chunks(gone)) held.push(...(await this.storeChunk(some.sort(([a], [b]) => a - b))));
    return held;
  }

  private async storeChunk(gone: [userId: number, at: Date][]): Promise<[userId: number, at: Date][]> {
    const held = await this.unitOfWork.run(async (tx) => {
      const locked = await lockFreeUsers(
        tx,
        gone.map(([userId]) => userId),
      );
      const heldIds = new Set(locked.held.map(({ id }) => id));
      const some = gone.filter(([userId]) => !heldIds.has(userId));
      if (some.length === 0) return heldIds;
      const ids = some.map(([userId]) => userId);
      const cases = some.flatMap(([userId, at]) => [userId, toMoment(at)]);
      const at = `CASE id ${'WHEN ? THEN ? '.repeat(some.length)}END`;
      // Not before the account was made: the clock may have been set back since. Of erased accounts, no time is kept.
      const sql = `UPDATE users SET last_seen = ${greatest(tx, 'created_at', at)} WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL`;
      await tx.query(sql, [...cases, ...ids]);
      await forget(tx, ids);
      // It was published already that they are offline, without the time.
      for (const userId of ids) if (this.late.has(userId)) this.events.record(tx, 'userChanged', { userId });
      return heldIds;
    });
    for (const [userId] of gone) {
      if (held.has(userId)) continue;
      this.late.delete(userId);
      // This one is newer than the one that was set aside.
      this.held.delete(userId);
    }
    return gone.filter(([userId]) => held.has(userId));
  }

  private setAside(held: [userId: number, at: Date][]): void {
    for (const [userId, at] of held) {
      if (this.presence.isOnline(userId)) continue;
      this.held.set(userId, at);
      this.late.add(userId);
    }
    setTimeout(() => this.storeHeld(), HELD_AGAIN_MS).unref();
  }

  private storeHeld(): void {
    for (const [userId, at] of this.held) this.gone.add(userId, at);
    this.held.clear();
  }
}

/** After a crash, they do not count as online. */
const forget = (tx: EntityManager, ids: number[]): Promise<unknown> =>
  tx.query(`DELETE FROM online_people WHERE user_id IN (${placeholders(ids)})`, ids);
