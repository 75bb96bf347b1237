/** The pauses between runs of a job, one at a time, which can be cut short. Local to a process. */
export class Pauses {
  private isCut = false;
  private endNow: () => void = () => undefined;

  /** @param stop ends the present pause, and all others at once */
  constructor(private readonly stop: AbortSignal) {
    stop.addEventListener('abort', () => this.endNow(), { once: true });
  }

  /** Resolves after `ms`, or once it is cut short. Does not keep the process alive. */
  async take(ms: number): Promise<void> {
    if (!this.isCut && !this.stop.aborted)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        this.endNow = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.isCut = false;
  }

  /** Ends the present pause, or, where there is none, the next one: what is asked for during a run may have come too late for it. */
  cut(): void {
    this.isCut = true;
    this.endNow();
  }
}
