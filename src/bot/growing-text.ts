import type { ParleySocket } from '../sockets/events.js';
import type { Publisher } from '../sockets/publisher.js';

/** Text that comes within this time is sent in one packet. */
const GATHER_MS = 100;

/** The text of an answer so far, and how much of it each of the user's sockets on this node has. Local to a node. */
export class GrowingText {
  /** As long as an answer may be. */
  text = '';
  /** UTF-16 units that each socket was sent. Engines never end a piece within a character, so no packet does. */
  private readonly sent = new WeakMap<ParleySocket, number>();
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    readonly userId: number,
    /** Of the question's message. */
    readonly seq: number,
    private readonly publisher: Publisher,
  ) {}

  /** Soon sends the missing part to sockets that do not have the whole text: also to a new socket. */
  sendSoon(): void {
    if (this.isOver) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.gathered();
      // Sockets that are busy now are tried again, also when no more text comes meanwhile.
      if (!this.publisher.botDelta(this.userId, this.seq, this.text, this.sent)) this.sendSoon();
    }, GATHER_MS).unref();
  }

  /** Nothing more is sent. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  /** Called when what was gathered is sent. */
  protected gathered(): void {}
}
