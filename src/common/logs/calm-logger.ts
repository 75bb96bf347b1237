import { Logger } from '@nestjs/common';

const EVERY_MS = 1_000;
/** Most texts that are remembered: strangers cannot choose them, but stacks differ. */
const MOST_TEXTS = 100;

/**
 * A logger for errors that come by the thousand where something outside fails, a database say: each text is written at most once a second,
 * with the number of repeats. Local to a process.
 */
export class CalmLogger {
  private readonly logger: Logger;
  private readonly said = new Map<string, { until: number; more: number }>();

  constructor(context: string) {
    this.logger = new Logger(context);
  }

  /** For warnings that come once anyway. */
  warn(text: string): void {
    this.logger.warn(text);
  }

  /** @param about which one it was, of many that fail alike: the id of a request, say */
  error(text: string, about?: string): void {
    const now = performance.now();
    const before = this.said.get(text);
    if (before && now < before.until) {
      before.more++;
      return;
    }
    if (!before && this.said.size >= MOST_TEXTS) this.said.clear();
    this.said.set(text, { until: now + EVERY_MS, more: 0 });
    const named = about === undefined ? text : `[${about}] ${text}`;
    this.logger.error(before?.more ? `${named}\n(and ${before.more} times more since this was last said)` : named);
  }
}
