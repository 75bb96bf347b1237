import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { LessThanOrEqual } from 'typeorm';
import { Leases, type RepeatedJob } from '../../cluster/leases.js';
import { logLine } from '../../common/logs/log-line.js';
import { Clock } from '../../common/timing/clock.js';
import { LeaseLost, type Lease } from '../../database/held-lease.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { lockUser } from '../../identity/accounts.js';
import { linkTokenHash, newLinkToken } from '../../identity/link-tokens.js';
import { exportFailed, exportReady, exportTooLarge, type MailContent } from '../../mail/mails.js';
import { Outbox } from '../../mail/outbox.js';
import { Links } from '../links.js';
import { endExports } from './end-exports.js';
import { ExportRemoval } from './export-removal.js';
import { Export, ExportPart } from './export.entity.js';
import { OwnData } from './own-data.js';
import { zipInParts } from './zip-parts.js';

/**
 * How often each node looks without being woken: for what expires, and for exports of nodes that have died. The node that takes a request
 * makes the export itself. Where another one is at work, either that one finds it, or this one looks again some seconds later.
 */
const EVERY_MS = 60_000;
const AFTER_A_FAILURE_MS = 5_000;
/** How long the link to one is good. */
export const LINK_LIVES_HOURS = 48;
const LINK_LIVES_MS = LINK_LIVES_HOURS * 3_600_000;
/** Largest zip file: about a gigabyte of texts. */
const MAX_BYTES = 512 * 1024 * 1024;
/** After so many tries that failed, or were cut short by anything but an orderly stop, an export is given up. */
const MOST_TRIES = 10;
/** Pauses between them: twice as long each time. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** It is larger than an export may be. */
class TooLarge extends Error {}
/** Nobody waits for it any more: it was asked for again, or the account was suspended or erased. */
class NotWanted extends Error {}

type Waiting = Export & { userId: number };

/**
 * Makes exports, one after another, on one node for all. One that broke off, with the process or without it, is made again from its
 * beginning. It is there, and its mail is sent, with one commit: so there is one mail.
 */
@Injectable()
export class ExportMaker implements OnApplicationBootstrap, OnModuleInit {
  private readonly logger = new Logger('Export');
  /** A field, so that a test can make it small. */
  largest = MAX_BYTES;
  /** A field, so that a test can make it long, before the start. */
  everyMs = EVERY_MS;
  private job?: RepeatedJob;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly ownData: OwnData,
    private readonly removal: ExportRemoval,
    private readonly outbox: Outbox,
    private readonly links: Links,
    private readonly leases: Leases,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // A new password or address ends exports, too; their bytes may wait for the next look.
    for (const name of ['exportRequested', 'userSuspended', 'accountErased'] as const)
      this.events.on(name, () => this.wake());
  }

  onApplicationBootstrap(): void {
    const failed = (error: unknown) =>
      this.logger.error(`Looking for exports to make failed, and is tried again: ${logLine(error)}`);
    const often = { everyMs: this.everyMs, restMs: 0, failedMs: AFTER_A_FAILURE_MS };
    this.job = this.leases.repeat('exports', { ...often, failed }, (lease) => this.work(lease));
  }

  /** Looks now for what there is to make and to delete. */
  wake(): void {
    this.job?.wake();
  }

  private async work(lease: Lease): Promise<number> {
    for (;;) {
      await this.removal.sweep(lease);
      const next = lease.isHeld ? await this.next() : undefined;
      if (!next) return lease.isHeld ? this.untilNext() : this.everyMs;
      await this.make(next, lease);
    }
  }

  /** Milliseconds until one that has failed is to be tried again. */
  private async untilNext(): Promise<number> {
    const [next] = await this.unitOfWork.read.find(Export, {
      where: { state: 'waiting' },
      order: { nextTryAt: 'ASC' },
      take: 1,
    });
    return next ? Math.max(0, next.nextTryAt.getTime() - this.clock.now().getTime()) : this.everyMs;
  }

  /** Those that failed before come after the others. */
  private async next(): Promise<Waiting | undefined> {
    const [row] = await this.unitOfWork.read.find(Export, {
      where: { state: 'waiting', nextTryAt: LessThanOrEqual(this.clock.now()) },
      order: { tries: 'ASC', id: 'ASC' },
      take: 1,
    });
    return row as Waiting | undefined;
  }

  private async make(row: Waiting, lease: Lease): Promise<void> {
    // All of these tries have ended the process, or been broken off.
    if (row.tries >= MOST_TRIES) return this.giveUp(row, exportFailed(this.links));
    // Where not even that can be written, the disk is full, say: the job rests, and does not try the same one at once.
    if (!(await this.begin(row, lease))) return;
    try {
      await this.removal.removeParts(row.id, lease);
      await this.store(row, lease);
      await this.finish(row, lease);
    } catch (error) {
      if (isOver(error, lease)) return this.giveBack(row, lease);
      if (error instanceof TooLarge) {
        this.logger.warn(`Export ${row.id}, of user ${row.userId}, is larger than ${this.largest} bytes: given up.`);
        return this.giveUp(row, exportTooLarge(this.links));
      }
      const isLast = row.tries + 1 >= MOST_TRIES;
      const rest = isLast ? 'and was given up' : 'and is tried again';
      this.logger.error(`Export ${row.id}, of user ${row.userId}, failed, ${rest}: ${logLine(error)}`);
      if (isLast) await this.giveUp(row, exportFailed(this.links));
    }
  }

  /**
   * Counts the try before anything can go wrong, so that one that ends the process is counted, too.
   * @returns false where it is not to be made, or not by this node
   */
  private async begin({ id, tries }: Waiting, lease: Lease): Promise<boolean> {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
    const nextTryAt = new Date(this.clock.now().getTime() + pauseMs);
    try {
      await this.change(id, { tries: tries + 1, nextTryAt, size: 0 }, lease);
      return true;
    } catch (error) {
      if (isOver(error, lease)) return false;
      throw error;
    }
  }

  /** A try that an orderly stop has cut short does not count: restarts, one after another, give nothing up. Not where another node has begun one. */
  private async giveBack({ id, tries, nextTryAt }: Waiting, { signal }: Lease): Promise<void> {
    if (!signal.aborted || signal.reason instanceof LeaseLost) return;
    const begun = { id, state: 'waiting' as const, tries: tries + 1 };
    await this.unitOfWork.run((tx) => tx.update(Export, begun, { tries, nextTryAt }));
  }

  private async store({ id, userId }: Waiting, lease: Lease): Promise<void> {
    let [size, count] = [0, 0];
    for await (const parts of zipInParts(this.ownData.filesOf(userId), this.clock.now())) {
      size += parts.reduce((sum, { length }) => sum + length, 0);
      if (size > this.largest) throw new TooLarge();
      const rows = parts.map((bytes, i) => ({ exportId: id, part: count + i, bytes }));
      await this.change(id, { size }, lease, rows);
      count += parts.length;
    }
  }

  private async change(id: number, set: Partial<Export>, lease: Lease, parts: ExportPart[] = []): Promise<void> {
    // A stop does not wait for all of it.
    if (!lease.isHeld) throw new LeaseLost('exports');
    await this.unitOfWork.run(async (tx) => {
      const { affected } = await tx.update(Export, { id, state: 'waiting' }, set);
      if (affected !== 1) throw new NotWanted();
      if (parts.length > 0) await tx.insert(ExportPart, parts);
      await lease.assertHeld(tx);
    });
  }

  private async finish({ id, userId, byOperator }: Waiting, lease: Lease): Promise<void> {
    const token = newLinkToken();
    await this.unitOfWork.run(async (tx) => {
      // Before the export, as whoever ends it does.
      const user = await lockUser(tx, userId);
      // By a node of the version before this one, which knows no exports.
      if (!user || user.erased_at !== null || user.suspended_at !== null) return endExports(tx, userId);
      const readyAt = this.clock.now();
      const expiresAt = new Date(readyAt.getTime() + LINK_LIVES_MS);
      const ready = { state: 'ready' as const, tokenHash: linkTokenHash(token), readyAt, expiresAt };
      const { affected } = await tx.update(Export, { id, state: 'waiting' }, ready);
      if (affected !== 1) throw new NotWanted();
      await this.outbox.add(tx, user.email, exportReady(this.links, { link: this.links.export(token), byOperator }));
      await lease.assertHeld(tx);
    });
  }

  private async giveUp({ id, userId }: Waiting, mail: MailContent): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const user = await lockUser(tx, userId);
      const { affected } = await tx.update(Export, { id, state: 'waiting' }, { state: 'ended' });
      if (affected === 1 && user) await this.outbox.add(tx, user.email, mail);
    });
  }
}

/** It is not wanted any more, or another node makes it. */
const isOver = (error: unknown, lease: Lease): boolean =>
  error instanceof NotWanted || error instanceof LeaseLost || !lease.isHeld;
