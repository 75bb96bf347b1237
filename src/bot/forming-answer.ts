import type { Publisher } from '../sockets/publisher.js';
import type { AnswerNews } from './answer-news.js';
import { GrowingText } from './growing-text.js';

/** Why an answer ended early: its user has stopped it. */
class Stopped extends Error {}

/** An answer while it forms on this node. */
export class FormingAnswer extends GrowingText {
  /** Settles when the answer is stored, or the try has failed. */
  attempt: Promise<void> = Promise.resolve();
  private readonly controller = new AbortController();

  /** @param news tells other nodes, where there may be some */
  constructor(
    userId: number,
    seq: number,
    publisher: Publisher,
    private readonly news?: AnswerNews,
  ) {
    super(userId, seq, publisher);
    news?.begun(this);
  }

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

  stop(): void {
    this.end(new Stopped());
  }

  /** Ends it: nothing more is added or sent. The first reason stays. */
  override end(reason?: Error): void {
    if (this.signal.aborted) return;
    this.controller.abort(reason);
    super.end();
    this.news?.ended(this);
  }

  protected override gathered(): void {
    this.news?.grown(this);
  }
}
