import type { ParleySocket } from '../sockets/events.js';
import type { Publisher } from '../sockets/publisher.js';

/** Text that comes within this time is sent in one packet. */
const GATHER_MS = 100;

/** Why an answer ended early: its user has stopped it. */
class Stopped extends Error {}

/** An answer while it forms: the text so far, and how much of it each of the user's sockets has. */
export class FormingAnswer {
  /** The text so far; as long as an answer may be. */
  text = '';
  /** Settles when the answer is stored, or the try has failed. */
  attempt: Promise<void> = Promise.resolve();
  private readonly controller = new AbortController();
  /** UTF-16 units that each socket was sent. Engines never end a piece within a character, so no packet does. */
  private readonly sent = new WeakMap<ParleySocket, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly userId: number,
    /** Of the question's message. */
    readonly seq: number,
    private readonly publisher: Publisher,
  ) {}

  /** Aborted when the answer ends early. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Its user has stopped it: the text so far is the answer. */
  get isStopped(): boolean {
    return this.signal.reason instanceof Stopped;
  }

  add(piece: string): void {
    if (this.signal.aborted) return;
    this.text += piece;
    this.sendSoon();
  }

  /** Soon sends the missing part to sockets that do not have the whole text: also to a new socket. */
  sendSoon(): void {
    if (this.signal.aborted) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      // Sockets that are busy now are tried again, also when no more text comes meanwhile.
      if (!this.publisher.botDelta(this.userId, this.seq, this.text, this.sent)) this.sendSoon();
    }, GATHER_MS).unref();
  }

  stop(): void {
    this.end(new Stopped());
  }

  /** Ends it: nothing more is added or sent. The first reason stays. */
  end(reason?: Error): void {
    this.controller.abort(reason);
    clearTimeout(this.timer);
  }
}
