import { Inject, Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CONFIG, type Config } from '../config/config.js';
import { VERSION } from './version.js';

/** From what an idle server takes to what nobody waits for, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Those of a statement, which may take a tenth of a millisecond. */
const STATEMENT_SECONDS = [0.0001, 0.00025, 0.0005, ...SECONDS];
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/**
 * What monitoring asks for, of this process. Labels have few values each, and never name a person or a chat. What would be counted for
 * each message, request or statement is counted only where somebody can ask (`isOn`).
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  /** Whether anybody can ask: METRICS_PORT is set. */
  readonly isOn: boolean;

  readonly messages = new Counter({
    name: 'parley_messages_total',
    help: 'Messages that were stored, refused for what they were, or failed for what the server was.',
    labelNames: ['chat_type', 'result'],
    registers: this.registers,
  });
  readonly ackSeconds = new Histogram({
    name: 'parley_message_ack_duration_seconds',
    help: 'From the arrival of an event `message` to its acknowledgement, where it was accepted.',
    buckets: SECONDS,
    registers: this.registers,
  });
  readonly batchMessages = new Histogram({
    name: 'parley_append_batch_messages',
    help: 'Messages that shared one transaction.',
    buckets: SIZES,
    registers: this.registers,
  });
  readonly events = new Counter({
    name: 'parley_events_total',
    help: 'Socket events of clients. `result` is ok, or the code of the error.',
    labelNames: ['event', 'result'],
    registers: this.registers,
  });
  readonly httpSeconds = new Histogram({
    name: 'parley_http_request_duration_seconds',
    help: 'From the arrival of an HTTP request to the end of its answer. `route` is the pattern of the path, or other.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: this.registers,
  });
  readonly rateLimited = new Counter({
    name: 'parley_rate_limited_total',
    help: 'Requests that a rate limit refused.',
    labelNames: ['limit'],
    registers: this.registers,
  });
  readonly mails = new Counter({
    name: 'parley_mail_total',
    help: 'Attempts to send a mail: sent, postponed, or given up.',
    labelNames: ['result'],
    registers: this.registers,
  });
  readonly querySeconds = new Histogram({
    name: 'parley_db_query_duration_seconds',
    help: 'Statements of the database, by their first word.',
    labelNames: ['op'],
    buckets: STATEMENT_SECONDS,
    registers: this.registers,
  });

  constructor(@Inject(CONFIG) config: Config) {
    this.isOn = config.metricsPort !== undefined;
    new Gauge({
      name: 'parley_build_info',
      help: 'Always 1: which version runs, on which Node.',
      labelNames: ['version', 'node'],
      registers: this.registers,
    }).set({ version: VERSION, node: process.version }, 1);
    // Watches the event loop and the garbage collector.
    if (this.isOn) collectDefaultMetrics({ register: this.registry });
  }

  /** A value that is read when somebody asks. */
  gauge(name: `parley_${string}`, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [], collect: () => gauge.set(read()) });
    this.registry.registerMetric(gauge);
  }

  /** A count that is kept elsewhere, and never falls. */
  counter(name: `parley_${string}_total`, help: string, read: () => number): void {
    const collect = (): void => {
      counter.reset();
      counter.inc(read());
    };
    const counter: Counter = new Counter({ name, help, registers: [], collect });
    this.registry.registerMetric(counter);
  }
}
