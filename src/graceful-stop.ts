import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Homes } from './cluster/homes.js';
import { logLine } from './common/logs/log-line.js';
import { STOPPED_WITHIN_MS, Stopping } from './common/stopping.js';
import type { Config } from './config/config.js';
import { SocketDrain } from './sockets/transport/socket-drain.js';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
/** A second signal that comes sooner is the first one: a terminal sends Ctrl+C to npm and to the server, and npm passes it on. */
const AGAIN_AFTER_MS = 500;
/** Shortest time for the last line of a stop that was cut short to be written. */
const MARGIN_MS = 250;

/**
 * Ends the process on a signal: gracefully, and at once on a second one. It dies of the signal, so that whoever started it sees by what it
 * ended, within ten seconds whatever hangs. What is stored survives either way, as it survives a crash.
 * @returns what begins the same end without a signal; twice is once
 */
export function endOnSignals(app: NestFastifyApplication, config: Config): (signal: NodeJS.Signals) => void {
  const log = new Logger('Stop');
  let begunAt: number | undefined;
  let step = '';

  const dieOf = (signal: NodeJS.Signals): void => {
    for (const one of SIGNALS) process.removeAllListeners(one);
    process.kill(process.pid, signal);
    // The first process of a container does not die of it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  };
  const stop = async (): Promise<void> => {
    app.get(Stopping).begin();
    app.get(Homes).leave();
    step = 'the balancer to notice';
    if (config.stopGraceMs > 0) await sleep(config.stopGraceMs);
    step = 'sockets to close';
    await app.get(SocketDrain).sendAway();
    step = 'what was under way: requests, mails, the database';
    await app.close();
  };
  const end = (signal: NodeJS.Signals): void => {
    if (begunAt !== undefined) return;
    begunAt = performance.now();
    setTimeout(() => {
      log.error(`The stop was cut short after ${STOPPED_WITHIN_MS / 1_000} s, which it spent waiting for ${step}.`);
      dieOf(signal);
    }, STOPPED_WITHIN_MS - MARGIN_MS);
    stop().then(
      () => dieOf(signal),
      (error: unknown) => {
        log.error(`The stop failed: ${logLine(error)}`);
        dieOf(signal);
      },
    );
  };
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (begunAt !== undefined && performance.now() - begunAt > AGAIN_AFTER_MS) dieOf(signal);
      else end(signal);
    });
  return end;
}
