import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NodeBus } from '../cluster/node-bus.js';
import { Recheck } from '../cluster/recheck.js';
import { Metrics } from '../common/metrics.js';
import { shuffled } from '../common/shuffled.js';
import { Publisher } from './publisher.js';

/** Nodes notice within some seconds, and for several reasons, that they have missed something: what comes in this time is told once. */
const GATHER_MS = 3_000;
/** Between two rounds, where Redis comes and goes. */
const PAUSE_MS = 10_000;
/** Sockets that all nodes together tell in a second: each of their clients then asks for its lists, and for what its open chats have missed. */
const PER_SECOND = 200;
/** All are told after so long, however many they are. */
const LONGEST_MS = 30_000;
const TICK_MS = 50;

/**
 * Where this node has missed packets of others, its sockets have, too, and do not know it: each is told to look again, one after another in a
 * random order. Local: each node tells its own. Does nothing where one node is all there is.
 */
@Injectable()
export class Resyncs implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Nodes');
  private timer?: NodeJS.Timeout;
  private isStopped = false;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private told = 0;

  constructor(
    private readonly bus: NodeBus,
    private readonly recheck: Recheck,
    private readonly publisher: Publisher,
    metrics: Metrics,
  ) {
    metrics.counter(
      'parley_resyncs_total',
      'Sockets that were told to look again, since this node may have missed what others sent them.',
      () => this.told,
    );
  }

  onModuleInit(): void {
    // Not before sockets stand where the rows say: what is sent to a group while a client looks would be lost as well.
    this.recheck.onCaughtUp(() => this.tellAll());
  }

  onApplicationShutdown(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Once more where a round is under way: those who were told first may have looked too early. */
  private tellAll(): void {
    this.isWanted = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.isWanted) this.tellAll();
    });
  }

  private async run(): Promise<void> {
    for (let pauseMs = GATHER_MS; this.isWanted; pauseMs = PAUSE_MS) {
      await this.wait(pauseMs);
      this.isWanted = false;
      await this.round();
    }
  }

  private async round(): Promise<void> {
    const sockets = shuffled(this.publisher.boundSockets());
    const count = sockets.length;
    if (count === 0) return;
    // The others may have missed the same, and all ask one database.
    const nodes = this.bus.nodes().length + 1;
    const spreadMs = Math.min(LONGEST_MS, (count * nodes * 1_000) / PER_SECOND);
    this.logger.log(
      `What other nodes have sent may have been missed: ${count} sockets are told to look again, within ${Math.ceil(spreadMs / 1_000)} s.`,
    );
    const began = performance.now();
    for (;;) {
      const left = Math.floor(count * Math.max(0, 1 - (performance.now() - began) / spreadMs));
      for (const socket of sockets.splice(left)) if (this.publisher.resync(socket, 'events_missed')) this.told++;
      if (sockets.length === 0) return;
      await this.wait(TICK_MS);
    }
  }

  /** For ever, once this node stops. */
  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.isStopped) this.timer = setTimeout(resolve, ms).unref();
    });
  }
}
