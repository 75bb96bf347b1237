import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NodeBus } from '../cluster/node-bus.js';
import { Nodes } from '../cluster/nodes.js';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { chunks } from '../database/chunks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Presence } from '../sockets/presence.js';
import { LastSeen } from './last-seen.js';

const CAME = 'presence.came';
const MOVED = 'presence.moved';
const GONE = 'presence.gone';

/** How often the rows are read, even where no news seem to be missing. */
const READ_EVERY_MS = 30_000;
/** Rows of one statement. */
const PAGE = 10_000;

/**
 * Keeps the copy of who is online by other nodes. Each node tells the others at once whom it has, and who has gone from all; the rows are
 * read at the start, where news were missed, with each beat while none come, and now and then. Does nothing where one node is all there is.
 */
@Injectable()
export class OnlineElsewhere implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new CalmLogger('Presence');
  /** What is told to the others with the next turn of the event loop, by topic. */
  private readonly news = new Map<string, Set<number>>();
  private reading: Promise<void> | undefined;
  private isReadWanted = false;
  private readAt = -Infinity;
  /** News were missed, and what they were about may not have been stored yet: with the next beat, the rows are read again. */
  private isUnsure = false;
  private isStopped = false;
  /** While rows are being read: users who have gone since that began. */
  private goneMeanwhile: Set<number> | undefined;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly lastSeen: LastSeen,
    private readonly events: DomainEvents,
    private readonly nodes: Nodes,
    private readonly bus: NodeBus,
  ) {}

  onModuleInit(): void {
    if (!this.bus.isShared) return;
    this.events.on('arrived', ({ userId }) => this.tell(CAME, userId));
    this.events.on('movedAway', ({ userId }) => this.tell(MOVED, userId));
    this.events.on('wentOffline', ({ userId, isOurs }) => {
      this.goneMeanwhile?.add(userId);
      if (isOurs) this.tell(GONE, userId);
    });
    this.bus.on(CAME, (heard, from) => {
      for (const userId of idsOf(heard)) {
        this.goneMeanwhile?.delete(userId);
        this.presence.cameElsewhere(userId, from);
      }
    });
    this.bus.on(MOVED, (heard, from) => {
      for (const userId of idsOf(heard)) this.presence.movedElsewhere(userId, from);
    });
    this.bus.on(GONE, (heard) => {
      for (const userId of idsOf(heard)) this.heardGone(userId);
    });
    // The others have gone on without it.
    this.nodes.onReturned(() => {
      for (const userId of this.presence.allHere()) this.tell(CAME, userId);
    });
    this.bus.onMissed(() => this.missed());
    this.nodes.onChanged(() => this.missed());
    this.nodes.onBeat(() => {
      const { isDeaf } = this.nodes;
      if (isDeaf || this.isUnsure || performance.now() - this.readAt > READ_EVERY_MS) this.readSoon();
      this.isUnsure = isDeaf;
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.bus.isShared) return;
    // News may have been missed already: one reads at a time.
    while (this.reading) await this.reading;
    await this.readInTurn(true);
  }

  onApplicationShutdown(): void {
    this.isStopped = true;
  }

  /** The other node knew nothing of a socket here that has only just opened, or this one was declared dead. */
  private heardGone(userId: number): void {
    this.goneMeanwhile?.add(userId);
    if (this.presence.goneElsewhere(userId) || !this.presence.isHere(userId)) return;
    this.lastSeen.storeAgain([userId]);
    this.tell(CAME, userId);
  }

  /** Many come and go in one turn. What is told of a user last counts. */
  private tell(topic: string, userId: number): void {
    if (this.news.size === 0) setImmediate(() => this.tellAll());
    for (const [other, userIds] of this.news) if (other !== topic) userIds.delete(userId);
    const userIds = this.news.get(topic);
    if (userIds) userIds.add(userId);
    else this.news.set(topic, new Set([userId]));
  }

  private tellAll(): void {
    for (const [topic, userIds] of this.news) for (const some of chunks([...userIds])) this.bus.tell(topic, some);
    this.news.clear();
  }

  private missed(): void {
    this.isUnsure = true;
    this.readSoon();
  }

  /** Reads the rows, and once more where that was asked for while they were being read. */
  private readSoon(): void {
    if (this.isStopped) return;
    if (this.reading) {
      this.isReadWanted = true;
      return;
    }
    this.readInTurn(false).catch((error: unknown) => {
      // With the next beat it is tried again.
      this.isUnsure = true;
      this.logger.error(`Who is online by other nodes could not be read, and is tried again: ${logLine(error)}`);
    });
  }

  private readInTurn(isFirst: boolean): Promise<void> {
    const reading = this.read(isFirst).finally(() => {
      this.reading = undefined;
      if (!this.isReadWanted) return;
      this.isReadWanted = false;
      this.readSoon();
    });
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async read(isFirst: boolean): Promise<void> {
    const since = performance.now();
    this.goneMeanwhile = new Set();
    try {
      const found = new Set<number>();
      for (let [last, count] = [0, PAGE]; count === PAGE; await nextTurn()) {
        const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
          `SELECT user_id FROM online_people WHERE user_id > ? AND node <> ? GROUP BY user_id ORDER BY user_id LIMIT ${PAGE}`,
          [last, this.bus.nodeId],
        );
        for (const { user_id } of rows) found.add(user_id);
        [last, count] = [rows.at(-1)?.user_id ?? 0, rows.length];
      }
      for (const userId of this.goneMeanwhile) found.delete(userId);
      this.readAt = since;
      this.presence.setElsewhere(found, since, isFirst);
    } finally {
      this.goneMeanwhile = undefined;
    }
  }
}

/** Nodes of other versions tell, too. */
const idsOf = (heard: unknown): number[] =>
  (Array.isArray(heard) ? heard.filter(Number.isSafeInteger) : []) as number[];
