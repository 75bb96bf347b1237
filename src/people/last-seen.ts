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
import { NodeBus } from '../cluster/node-bus.js';
import { Nodes } from '../cluster/nodes.js';
import { fromMoment, greatest, toMoment, upsertRows } from '../database/dialect.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { lockRow } from '../database/row-locks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { Erasure } from '../identity/erasure.js';
import { deleteRows, endRows } from './online-rows.js';

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
/**
 * Stores when users were last seen. Many go offline at once when a network breaks: they share a transaction. Who is online is stored, too,
 * and twice a minute the time. After a crash, those who were online then count as last seen at the last such time.
 *
 * With many nodes, a user is offline only once the row of the last one is deleted, and `Nodes` stores the time. A node that ends leaves its
 * rows to the others, as one that dies: they are deleted once its users have had time to appear elsewhere.
 */
@Injectable()
export class LastSeen implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly came: Batcher<number, true>;
  private readonly gone: Batcher<number, Date>;
  /** Comings and goings are stored in the order in which they happened. */
  private readonly inTurn = pLimit(1);
  /** Users who went offline, whose rows another transaction holds, or who may be elsewhere: the others are stored meanwhile. After a crash, these count as online. */
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
    private readonly nodes: Nodes,
    private readonly bus: NodeBus,
  ) {
    this.came = new Batcher('Storing who is online', GATHER_MS, (came) =>
      this.inTurn(() => this.note([...came.keys()])),
    );
    this.gone = new Batcher('Storing when users were last seen', 0, (gone) => this.inTurn(() => this.store([...gone])));
  }

  onModuleInit(): void {
    this.events.on('arrived', ({ userId }) => {
      this.held.delete(userId);
      this.late.delete(userId);
      this.came.add(userId, true);
    });
    this.events.on('departed', ({ userId, at }) => this.gone.add(userId, at));
    this.nodes.onReturned(() => this.storeAgain(this.presence.allHere()));
    // A transaction that has only just put it there cannot be waited for by this: it is deleted as they go, with their sockets.
    this.erasure.onErase(async (tx, { id }) => {
      const row = { columns: 'user_id', table: 'online_people', where: 'user_id = ?', values: [id] };
      if (await lockRow(tx, row)) await deleteRows(tx, [id]);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    // What dead nodes have left is ended by those that live.
    if (this.bus.isShared) return;
    await this.unitOfWork.run((tx) => this.storeThoseBefore(tx));
    this.beating = setInterval(() => void this.beat(), BEAT_EVERY_MS).unref();
  }

  /** All sockets are about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.beating);
    if (this.bus.isShared) {
      await this.came.flush().catch(() => undefined);
      await this.came.stop();
    } else {
      await this.came.stop();
      const now = this.clock.now();
      for (const userId of this.presence.allHere()) this.gone.add(userId, now);
    }
    await this.gone.flush().catch(() => undefined);
    await this.gone.stop();
  }

  /** These users have no row of this node any more, and may have one of another: that is found out. */
  endLater(userIds: readonly number[], at: Date): void {
    for (const userId of userIds) this.gone.add(userId, at);
  }

  /** The rows of these users, who are here, may have been deleted. */
  storeAgain(userIds: readonly number[]): void {
    for (const userId of userIds) this.came.add(userId, true);
  }

  /** Resolves when the time is stored of all who have gone offline by now. */
  stored(): Promise<void> {
    return this.gone.flush();
  }

  /** After a crash: those who were online were last seen when their node was last known to run. */
  private async storeThoseBefore(tx: EntityManager): Promise<void> {
    const beats = await tx.query<{ id: number; alive_at: string | Date }[]>('SELECT id, alive_at FROM server_beats');
    for (const { id, alive_at } of beats) {
      const aliveAt = toMoment(fromMoment(alive_at));
      await tx.query(
        `UPDATE users SET last_seen = ${greatest(tx, 'created_at', '?')}
         WHERE id IN (SELECT user_id FROM online_people WHERE node = ?)
         AND erased_at IS NULL AND (last_seen IS NULL OR last_seen < ?)`,
        [aliveAt, id, aliveAt],
      );
    }
    if (beats.length > 0) await tx.query('DELETE FROM online_people');
    // There were other nodes until now.
    if (beats.some(({ id }) => id !== this.bus.nodeId))
      await tx.query('DELETE FROM server_beats WHERE id <> ?', [this.bus.nodeId]);
  }

  private async note(came: number[]): Promise<void> {
    for (const some of chunks(came)) {
      // Users who have gone meanwhile were stored so, or will be after this.
      const here = some.filter((userId) => this.presence.isHere(userId)).sort((a, b) => a - b);
      if (here.length === 0) continue;
      const rows = here.map((userId) => [userId, this.bus.nodeId]);
      await this.unitOfWork.run(async (tx) => {
        await upsertRows(tx, 'online_people', 'user_id, node', rows, 'user_id, node', 'node = new(node)');
        if (!this.bus.isShared) await this.storeBeat(tx);
      });
    }
  }

  private async beat(): Promise<void> {
    if (this.presence.allHere().length === 0) return;
    // Where the database is away, the next beat is soon enough.
    await this.unitOfWork.run((tx) => this.storeBeat(tx)).catch(() => undefined);
  }

  private storeBeat(tx: EntityManager): Promise<void> {
    const row = [this.bus.nodeId, toMoment(this.clock.now())];
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
    const { isShared, nodeId } = this.bus;
    // With many nodes, the row of a user who is back must stay.
    const away = isShared ? gone.filter(([userId]) => !this.presence.isHere(userId)) : gone;
    if (away.length === 0) return [];
    const { held, last, others } = await this.unitOfWork.run(async (tx) => {
      const ended = await endRows(tx, away, isShared ? nodeId : undefined);
      // It was published already that they are offline, without the time.
      for (const userId of ended.last) if (this.late.has(userId)) this.events.record(tx, 'userChanged', { userId });
      return ended;
    });
    for (const [userId] of away) {
      if (held.has(userId)) continue;
      this.late.delete(userId);
      // This one is newer than the one that was set aside.
      this.held.delete(userId);
    }
    if (!isShared) return away.filter(([userId]) => held.has(userId));
    const doubtful = new Set(this.presence.departuresStored(last, others));
    this.storeAgain(away.flatMap(([userId]) => (this.presence.isHere(userId) ? userId : [])));
    return away.filter(([userId]) => held.has(userId) || doubtful.has(userId));
  }

  private setAside(held: [userId: number, at: Date][]): void {
    for (const [userId, at] of held) {
      if (this.presence.isHere(userId)) continue;
      this.held.set(userId, at);
      if (!this.bus.isShared) this.late.add(userId);
    }
    setTimeout(() => this.storeHeld(), HELD_AGAIN_MS).unref();
  }

  private storeHeld(): void {
    for (const [userId, at] of this.held) this.gone.add(userId, at);
    this.held.clear();
  }
}
