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
import { fromMoment, greatest, placeholders, toMoment, upsertRows } from '../database/dialect.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { lockFreeUsers } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';

/** People of one statement. */
const CHUNK = 500;

/** Those who come within this share a transaction. */
const GATHER_MS = 200;
/** How often it is noted that the server lives, while somebody is online. */
const BEAT_EVERY_MS = 30_000;
/** How often, and with what pauses, rows are tried that another transaction holds: some 200 ms. */
const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;
/** When to look again after those whose rows were held for longer. */
const HELD_AGAIN_MS = 1_000;
/** The one row of the beats: one process owns the database. Many would have one each, and a name for it in `online_people`. */
const BEAT_ID = 1;

/**
 * Stores when people were last here: many go at once when a network does, and share a transaction. Who is online is stored, too, and
 * twice a minute that the server lives: where it crashes, those people were last here when it last lived.
 */
@Injectable()
export class LastSeen implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly came: Batcher<number, true>;
  private readonly gone: Batcher<number, Date>;
  /** What is stored of those who come, and of those who go, is stored in the order in which it happened. */
  private readonly inTurn = pLimit(1);
  /** Those who have gone, and whose rows somebody else holds: others are stored meanwhile. A start after a crash finds them online. */
  private readonly held = new Map<number, Date>();
  /** Of these and of those who were among them: what is stored of them is news. */
  private readonly late = new Set<number>();
  private beating?: NodeJS.Timeout;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {
    this.came = new Batcher('LastSeen', GATHER_MS, (came) => this.inTurn(() => this.note([...came.keys()])));
    this.gone = new Batcher('LastSeen', 0, (gone) => this.inTurn(() => this.store([...gone])));
  }

  onModuleInit(): void {
    this.events.on('wentOnline', ({ userId }) => {
      this.held.delete(userId);
      this.late.delete(userId);
      this.came.add(userId, true);
    });
    this.events.on('wentOffline', ({ userId, at }) => this.gone.add(userId, at));
    this.erasure.onErase(async (tx, { id }) => void (await forget(tx, [id])));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.unitOfWork.run((tx) => this.storeThoseBefore(tx));
    this.beating = setInterval(() => void this.beat(), BEAT_EVERY_MS).unref();
  }

  /** Everybody's last socket is about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.beating);
    await this.came.stop();
    const now = this.clock.now();
    for (const userId of this.presence.online()) this.gone.add(userId, now);
    await this.gone.flush().catch(() => undefined);
    await this.gone.stop();
  }

  /** Resolves when it is stored for everybody who has gone by now. */
  stored(): Promise<void> {
    return this.gone.flush();
  }

  /** The server ended without a word: those who were online were here until then. */
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
    for (let i = 0; i < came.length; i += CHUNK) {
      // Who has gone meanwhile was stored as gone, or will be behind this.
      const here = came.slice(i, i + CHUNK).filter((userId) => this.presence.isOnline(userId));
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
    // Where the database is away, the next one is soon enough.
    await this.unitOfWork.run((tx) => this.storeBeat(tx)).catch(() => undefined);
  }

  private storeBeat(tx: EntityManager): Promise<void> {
    const row = [BEAT_ID, toMoment(this.clock.now())];
    return upsertRows(tx, 'server_beats', 'id, alive_at', [row], 'id', 'alive_at = new(alive_at)');
  }

  private async store(gone: [userId: number, at: Date][]): Promise<void> {
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    let left = await this.storeFree(gone);
    // Most rows are held for a moment: by a message to that person, say. Whoever asks when somebody was last here waits for this.
    for (let tries = 1; left.length > 0 && tries < MOST_TRIES; tries++) {
      await sleep(backoff.next());
      left = await this.storeFree(left);
    }
    if (left.length > 0) this.setAside(left);
  }

  /** @returns those whose rows another transaction holds */
  private async storeFree(gone: [userId: number, at: Date][]): Promise<[userId: number, at: Date][]> {
    const held: [userId: number, at: Date][] = [];
    for (let i = 0; i < gone.length; i += CHUNK) {
      const chunk = gone.slice(i, i + CHUNK).sort(([a], [b]) => a - b);
      held.push(...(await this.storeChunk(chunk)));
    }
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
      // Nobody is seen before they came: the clock may have been set back since. Of those who have erased their account nothing is
      // known any more.
      const sql = `UPDATE users SET last_seen = ${greatest(tx, 'created_at', at)} WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL`;
      await tx.query(sql, [...cases, ...ids]);
      await forget(tx, ids);
      // Others were told already that they are offline, and not since when.
      for (const userId of ids) if (this.late.has(userId)) this.events.record(tx, 'userChanged', { userId });
      return heldIds;
    });
    for (const [userId] of gone) {
      if (held.has(userId)) continue;
      this.late.delete(userId);
      // An older one that was set aside is overtaken.
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

/** They are not online, as far as a start after a crash is concerned. */
const forget = (tx: EntityManager, ids: number[]): Promise<unknown> =>
  tx.query(`DELETE FROM online_people WHERE user_id IN (${placeholders(ids)})`, ids);
