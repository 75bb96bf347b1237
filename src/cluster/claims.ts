import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { CONFIG, type Config } from '../config/config.js';
import { forgetNodes, LEASE_MS, leaseOfNode, RENEW_EVERY_MS, restLease, takeLease } from '../database/lease-rows.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { NodeBus } from './node-bus.js';

/**
 * Which rows are this node's to work on: mails to send, questions to answer. A row names its node in `claimed_by`, and each node renews one
 * lease for all that it has claimed. Rows of a node whose lease has run out are taken over by another: see `onOrphans`. A node that is alone
 * renews nothing, and keeps all that it claims. Local to a process: until when it may count on its lease.
 */
@Injectable()
export class Claims implements OnModuleInit {
  private readonly logger = new CalmLogger('Cluster');
  private readonly stop = new AbortController();
  private readonly seekers: (() => Promise<void>)[] = [];
  private readonly losers: (() => void)[] = [];
  private until = Infinity;
  /** Since when the lease was renewed without a gap. */
  private since = 0;
  private renewing: Promise<void> = Promise.resolve();
  private seeking: Promise<void> | undefined;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly node: NodeBus,
    @Inject(CONFIG) private readonly config: Pick<Config, 'worksOnWhatWaits'>,
  ) {}

  /** The number that this node writes into `claimed_by`. */
  get claimer(): number {
    return this.node.nodeId;
  }

  /** Whether other nodes may claim rows, too. */
  get isShared(): boolean {
    return this.node.isShared;
  }

  /** Whether this process claims rows at all: one that a command has started for itself leaves them to others. */
  get claimsAny(): boolean {
    return this.config.worksOnWhatWaits;
  }

  /** Whether what this node has claimed is still its own. False also right after the process was suspended for longer than a lease lasts. */
  get areHeld(): boolean {
    return performance.now() < this.until;
  }

  /** Before anything is claimed, which the start of the features does. */
  async onModuleInit(): Promise<void> {
    if (!this.node.isShared) return;
    this.since = performance.now();
    await this.unitOfWork.run(forgetNodes);
    await this.renew();
    this.renewing = this.keep();
    this.unitOfWork.beforeClose(() => this.end());
  }

  /** All work has ended by now: what is left is taken over at once. */
  private async end(): Promise<void> {
    this.stop.abort();
    await this.renewing;
    const rest = this.unitOfWork.run((tx) => restLease(tx, leaseOfNode(this.claimer), this.claimer), { isAhead: true });
    // Where that fails, it runs out by itself.
    await rest.catch(() => undefined);
  }

  /**
   * Calls `seek` every few seconds, to take over what is claimed by nobody who lives (`CLAIMED_BY_NOBODY`). Not where this node could not
   * renew its own lease lately: then others could not, either, and what is theirs would seem to be nobody's. Never where it is alone.
   */
  onOrphans(seek: () => Promise<void>): void {
    if (this.claimsAny) this.seekers.push(seek);
  }

  /** Calls `lost` when what this node had claimed may be another's by now. */
  onLost(lost: () => void): void {
    this.losers.push(lost);
  }

  private async keep(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      await sleep(RENEW_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.renew();
        // Not waited for: the lease must be renewed meanwhile.
        if (performance.now() - this.since >= LEASE_MS) this.seeking ??= this.seek();
      } catch {
        // The database is away. The next try is soon enough.
      }
    }
    await this.seeking;
  }

  private async seek(): Promise<void> {
    try {
      for (const seek of this.seekers) if (!this.stop.signal.aborted) await seek();
    } catch (error) {
      this.logger.error(`Looking for what nodes that ended have left failed, and is tried again: ${logLine(error)}`);
    } finally {
      this.seeking = undefined;
    }
  }

  private async renew(): Promise<void> {
    const askedAt = performance.now();
    if (!this.areHeld) this.lose(askedAt);
    await this.unitOfWork.run(
      async (tx) => {
        await takeLease(tx, leaseOfNode(this.claimer), this.claimer);
      },
      { isAhead: true },
    );
    // Also where the answer came late.
    if (!this.areHeld) this.lose(askedAt);
    this.until = askedAt + LEASE_MS;
  }

  private lose(at: number): void {
    this.since = at;
    for (const lost of this.losers) lost();
  }
}
