import { BotUnavailable } from './engine.js';

/** One request with all that may end it: the caller, too long a silence, too long an answer. */
export class OpenRequest {
  private readonly controller = new AbortController();
  private readonly onCallerAborts = () => this.end(this.caller.reason);
  private readonly wholeTimer: NodeJS.Timeout;

  // AbortSignal.any and .timeout would do this in two lines, but leave something behind on a caller's signal that lives long.
  constructor(
    private readonly caller: AbortSignal,
    wholeMs: number,
  ) {
    this.wholeTimer = setTimeout(() => this.end(new BotUnavailable(`did not finish within ${wholeMs} ms`)), wholeMs);
    if (caller.aborted) this.onCallerAborts();
    else caller.addEventListener('abort', this.onCallerAborts, { once: true });
  }

  /** For all parts of the request. Its reason, once aborted, is the error for the caller. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Waits for `work` for at most `ms`; the time between two waits does not count. */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.end(new BotUnavailable(`said nothing for ${ms} ms`)), ms);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the request. The first reason stays. */
  end(reason: unknown = new BotUnavailable('is no longer needed')): void {
    clearTimeout(this.wholeTimer);
    this.caller.removeEventListener('abort', this.onCallerAborts);
    this.controller.abort(reason);
  }
}
