import type { ParleySocket } from '../sockets/events.js';
import type { Publisher } from '../sockets/publisher.js';

/** What is said within this time goes out in one packet. */
const GATHER_MS = 100;

/** Why an answer ended early: its person had heard enough. */
class Stopped extends Error {}

/** An answer while it forms: what was said so far, and how much of it each of the person's sockets has. */
export class FormingAnswer {
  /** The text so far; as long as an answer may be. */
  text = '';
  /** Settles when the answer is stored, or the try has failed. */
  attempt: Promise<void> = Promise.resolve();
  private readonly controller = new AbortController();
  /** UTF-16 units that each socket was told. Engines never end a piece within a character, so no packet does. */
  private readonly told = new WeakMap<ParleySocket, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly userId: number,
    /** Of the question's message. */
    readonly seq: number,
    private readonly publisher: Publisher,
  ) {}

  /** Aborted when nothing more is to be said. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Its person stopped it: what was said until then is the answer. */
  get isStopped(): boolean {
    return this.signal.reason instanceof Stopped;
  }

  add(piece: string): void {
    if (this.signal.aborted) return;
    this.text += piece;
    this.tellSoon();
  }

  /** Sockets that do not have the whole text yet get what they lack, in a moment: also one that has just come. */
  tellSoon(): void {
    if (this.signal.aborted) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      // Who is busy now is asked again, also when nothing more is said meanwhile.
      if (!this.publisher.botDelta(this.userId, this.seq, this.text, this.told)) this.tellSoon();
    }, GATHER_MS).unref();
  }

  stop(): void {
    this.end(new Stopped());
  }

  /** Nothing more is said or told. The first reason stays. */
  end(reason?: Error): void {
    this.controller.abort(reason);
    clearTimeout(this.timer);
  }
}
