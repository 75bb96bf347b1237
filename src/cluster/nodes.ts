import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { NodeBus } from './node-bus.js';

/** How often a node shows that it lives. */
export const BEAT_EVERY_MS = 3_000;
/** A node that has not for so long is dead. */
export const DEAD_AFTER_MS = 9_000;
/** So long this node must have watched that another one does not beat, before it says so: the database may have been away from both. */
const WATCHED_FOR_MS = 6_000;
/** After so long without a beat of its own, this node has not watched anybody. */
const INTERRUPTED_MS = 2 * BEAT_EVERY_MS;

const LEAVES = 'nodes.leaves';

/** In SQL: the row's node has shown by now that it lives. Only databases have it that several processes may share. */
const LIVES = `alive_at > UTC_TIMESTAMP(3) - INTERVAL ${DEAD_AFTER_MS / 1_000} SECOND`;
/** The opposite, for whoever takes over what a dead node has left. */
export const IS_DEAD = `NOT (${LIVES})`;

interface Other {
  /** Its last beat, on the clock of the database. */
  aliveAt: number;
  /** Since when this node has watched it stand still, on the clock of `performance.now()`. */
  since: number;
  /** It has said that it ends: a number is not used again. */
  hasLeft: boolean;
}

/**
 * The nodes that serve the same rows, by their beats in `server_beats`, on the clock of the database. Replicated: read again with each beat
 * of this node. A node by itself knows only itself, and asks nothing.
 */
@Injectable()
export class Nodes implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new CalmLogger('Nodes');
  private readonly others = new Map<number, Other>();
  private alive: readonly number[];
  private lastBeat = -Infinity;
  private timer?: NodeJS.Timeout;
  private isStopping = false;
  private readonly changeListeners: ((joined: readonly number[], died: readonly number[]) => void)[] = [];
  private readonly beatListeners: (() => void)[] = [];
  private readonly returnListeners: (() => void)[] = [];
  private readonly deadListeners: ((node: number) => Promise<void>)[] = [];
  /** Dead nodes whose rows are being taken over. */
  private readonly burying = new Set<number>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly bus: NodeBus,
  ) {
    this.alive = [bus.nodeId];
  }

  onModuleInit(): void {
    this.bus.on(LEAVES, (_, from) => {
      const other = this.others.get(from);
      if (other) other.hasLeft = true;
      this.become(this.alive.filter((id) => id !== from));
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.bus.isShared) return;
    // Without its row, this node would count as dead while it serves: so a start waits for it.
    await this.beat();
    this.beatLater(BEAT_EVERY_MS);
  }

  /** The last beat: from then on the others take over what this node leaves, once those who were here have had time to appear elsewhere. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    if (!this.bus.isShared) return;
    await this.unitOfWork.run((tx) => this.renew(tx), { isAhead: true }).catch(() => undefined);
    this.bus.tell(LEAVES, null);
  }

  /** The numbers of the nodes that live, this one among them, in order. From memory. */
  living(): readonly number[] {
    return this.alive;
  }

  /** Whether nothing was heard lately of a node that lives: news are lost, and rows have to be read instead. */
  get isDeaf(): boolean {
    const heard = new Set(this.bus.nodes());
    return !this.bus.isUp || this.alive.some((id) => id !== this.bus.nodeId && !heard.has(id));
  }

  /** Calls `changed` when other nodes have joined or died. Call this and the following in `onModuleInit`. */
  onChanged(changed: (joined: readonly number[], died: readonly number[]) => void): void {
    this.changeListeners.push(changed);
  }

  /** Calls `beaten` after each beat of this node, while several may be there. */
  onBeat(beaten: () => void): void {
    this.beatListeners.push(beaten);
  }

  /** Calls `returned` when this node could not beat for so long that others may have declared it dead, and deleted its rows. */
  onReturned(returned: () => void): void {
    this.returnListeners.push(returned);
  }

  /** Calls `bury` with a node that is dead, again with each beat until its row in `server_beats` is deleted. Every node is called. */
  onDead(bury: (node: number) => Promise<void>): void {
    this.deadListeners.push(bury);
  }

  private beatLater(afterMs: number): void {
    this.timer = setTimeout(() => {
      const began = performance.now();
      const next = (): void => {
        if (!this.isStopping) this.beatLater(Math.max(0, began + BEAT_EVERY_MS - performance.now()));
      };
      this.beat().then(next, (error: unknown) => {
        this.logger.error(`This node could not show that it lives, and tries again: ${logLine(error)}`);
        next();
      });
    }, afterMs).unref();
  }

  private async beat(): Promise<void> {
    const { hasReturned, rows } = await this.unitOfWork.run(
      async (tx) => ({
        hasReturned: await this.renew(tx),
        rows: await tx.query<{ id: number; alive_at: Date; lives: number }[]>(
          `SELECT id, alive_at, ${LIVES} AS lives FROM server_beats WHERE id <> ?`,
          [this.bus.nodeId],
        ),
      }),
      // A node that is busy is not dead.
      { isAhead: true },
    );
    if (this.isStopping) return;
    if (hasReturned) for (const returned of this.returnListeners) returned();
    this.look(rows.map(({ id, alive_at, lives }) => ({ id, aliveAt: alive_at.getTime(), lives: Boolean(lives) })));
    for (const beaten of this.beatListeners) beaten();
  }

  /** @returns whether others may have declared this node dead */
  private async renew(tx: EntityManager): Promise<boolean> {
    const { nodeId } = this.bus;
    const { affectedRows } = await tx.query<{ affectedRows: number }>(
      `UPDATE server_beats SET alive_at = UTC_TIMESTAMP(3) WHERE id = ? AND ${LIVES}`,
      [nodeId],
    );
    if (affectedRows > 0) return false;
    await tx.query(
      `INSERT INTO server_beats (id, alive_at) VALUES (?, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE alive_at = VALUES(alive_at)`,
      [nodeId],
    );
    return true;
  }

  private look(rows: readonly { id: number; aliveAt: number; lives: boolean }[]): void {
    const now = performance.now();
    const isInterrupted = now - this.lastBeat > INTERRUPTED_MS;
    this.lastBeat = now;
    const living = [this.bus.nodeId];
    const gone = new Set(this.others.keys());
    for (const { id, aliveAt, lives } of rows) {
      gone.delete(id);
      const other = this.others.get(id) ?? { aliveAt, since: now, hasLeft: false };
      this.others.set(id, other);
      if (isInterrupted || aliveAt !== other.aliveAt) other.since = now;
      other.aliveAt = aliveAt;
      if (lives && !other.hasLeft) living.push(id);
      if (!lives && now - other.since >= WATCHED_FOR_MS) void this.bury(id);
    }
    for (const id of gone) this.others.delete(id);
    this.become(living);
  }

  private become(living: readonly number[]): void {
    const joined = living.filter((id) => !this.alive.includes(id));
    const died = this.alive.filter((id) => !living.includes(id));
    if (joined.length + died.length === 0) return;
    this.alive = [...living].sort((a, b) => a - b);
    for (const changed of this.changeListeners) changed(joined, died);
  }

  private async bury(node: number): Promise<void> {
    if (this.burying.has(node)) return;
    this.burying.add(node);
    try {
      for (const bury of this.deadListeners) await bury(node);
    } catch (error) {
      this.logger.error(`What a dead node has left could not be taken over, and is tried again: ${logLine(error)}`);
    } finally {
      this.burying.delete(node);
    }
  }
}
