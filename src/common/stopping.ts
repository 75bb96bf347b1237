import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/** Deadline of a stop, whatever hangs: container engines and service managers kill after ten seconds. */
export const STOPPED_WITHIN_MS = 10_000;
/** Kept for what comes last: the lock is released, the database closed, what was gathered is logged. */
const LAST_STEPS_MS = 1_500;

/** Whether this process is about to end. From then on it is not ready, and takes no new sockets; all else is served. Local to a node. */
@Injectable()
export class Stopping implements BeforeApplicationShutdown {
  private endsAt: number | undefined;

  /** Twice is once. */
  begin(): void {
    this.endsAt ??= performance.now() + STOPPED_WITHIN_MS;
  }

  get hasBegun(): boolean {
    return this.endsAt !== undefined;
  }

  /** How long a step of the stop may take which would like to have `ms`: less where those before it took long. */
  within(ms: number): number {
    this.begin();
    return Math.max(0, Math.min(ms, this.endsAt! - LAST_STEPS_MS - performance.now()));
  }

  /** Of an app that is closed without having been told before. */
  beforeApplicationShutdown(): void {
    this.begin();
  }
}
