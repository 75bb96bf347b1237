import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { NodeBus } from '../cluster/node-bus.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Publisher } from '../sockets/publisher.js';
import { GrowingText } from './growing-text.js';

/** How often a node says of each answer how long it is: for nodes that missed a piece, or to which the user has just come. */
const AGAIN_EVERY_MS = 1_000;
/** An answer of which nothing was heard for so long does not form any more, or not where it did. */
const FORGET_AFTER_MS = 10_000;
/** Pieces that come so late after the end are from before it. */
const LATE_MS = 2_000;
/** Most answers of other nodes, for users with sockets here; of more, the ones heard of longest ago are forgotten. */
const MOST_HEARD = 10_000;
/** Longer than any answer, in UTF-16 units. */
const LONGEST = 65_536;

/** A part of an answer that forms: empty where nothing was added. */
interface Piece {
  userId: number;
  seq: number;
  /** UTF-16 units before it. */
  offset: number;
  text: string;
}

interface HeardAnswer {
  from: number;
  text: GrowingText;
  askedAt: number;
}

const keyOf = ({ userId, seq }: Pick<Piece, 'userId' | 'seq'>): string => `${userId} ${seq}`;

/**
 * Answers that form on one node, for the user's sockets on others. The node tells all others what was added, ten times a second at most;
 * one with sockets of the user keeps the text, and asks for the whole of it where it lacks the beginning. What is lost here comes with the
 * message that ends the answer. A node that is alone tells and keeps nothing.
 */
@Injectable()
export class AnswerNews implements OnModuleInit, OnApplicationShutdown {
  /** By user: answers that form here, and how much of each was told. */
  private readonly own = new Map<number, { answer: GrowingText; told: number }>();
  /** By user: answers that form elsewhere. */
  private readonly heard = new LRUCache<number, HeardAnswer>({
    max: MOST_HEARD,
    ttl: FORGET_AFTER_MS,
    dispose: ({ text }) => text.end(),
  });
  private readonly over = new LRUCache<string, true>({ max: MOST_HEARD, ttl: LATE_MS });
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly bus: NodeBus,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
  ) {}

  onModuleInit(): void {
    if (!this.bus.isShared) return;
    this.bus.on('bot piece', (piece, from) => this.hear(piece as Piece, from));
    this.bus.on('bot whole', (asked, from) => this.tellWhole(asked as Piece, from));
    this.bus.on('bot over', (over, from) => this.forget(over as Piece, from));
    this.events.on('socketBound', ({ userId }) => this.heard.get(userId)?.text.sendSoon());
    this.timer = setInterval(() => {
      for (const { answer, told } of this.own.values()) this.tell(answer, told, told);
      this.heard.purgeStale();
    }, AGAIN_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.heard.clear();
  }

  begun(answer: GrowingText): void {
    if (this.bus.isShared) this.own.set(answer.userId, { answer, told: 0 });
  }

  /** Tells what was added. */
  grown(answer: GrowingText): void {
    const own = this.own.get(answer.userId);
    if (own?.answer !== answer || own.told === answer.text.length) return;
    this.tell(answer, own.told, answer.text.length);
    own.told = answer.text.length;
  }

  /** Call it before the message is published that has the whole answer. */
  ended(answer: GrowingText): void {
    if (this.own.get(answer.userId)?.answer !== answer) return;
    this.own.delete(answer.userId);
    this.bus.tell('bot over', { userId: answer.userId, seq: answer.seq });
  }

  private tell({ userId, seq, text }: GrowingText, offset: number, end: number, to?: number): void {
    const piece: Piece = { userId, seq, offset, text: text.slice(offset, end) };
    this.bus.tell('bot piece', piece, to);
  }

  private tellWhole({ userId, seq }: Piece, to: number): void {
    const own = this.own.get(userId);
    if (own?.answer.seq === seq) this.tell(own.answer, 0, own.told, to);
  }

  private hear(piece: Piece, from: number): void {
    const { userId, seq, offset, text } = piece;
    if (!this.hasSockets(userId) || this.over.has(keyOf(piece)) || offset + text.length > LONGEST) return;
    let heard = this.heard.get(userId);
    // Another question, or another node has taken it over, and begins anew.
    if (heard?.text.seq !== seq || heard.from !== from)
      heard = { from, text: new GrowingText(userId, seq, this.publisher), askedAt: -Infinity };
    // Counts as heard just now; one that was there before is ended.
    this.heard.set(userId, heard);
    const missing = offset - heard.text.text.length;
    if (missing > 0) this.ask(heard);
    else if (-missing < text.length) {
      heard.text.text += text.slice(-missing);
      heard.text.sendSoon();
    }
  }

  private ask(heard: HeardAnswer): void {
    const now = performance.now();
    if (now - heard.askedAt < AGAIN_EVERY_MS / 2) return;
    heard.askedAt = now;
    const { userId, seq } = heard.text;
    this.bus.tell('bot whole', { userId, seq }, heard.from);
  }

  private forget(over: Piece, from: number): void {
    this.over.set(keyOf(over), true);
    const heard = this.heard.get(over.userId);
    if (heard?.text.seq === over.seq && heard.from === from) this.heard.delete(over.userId);
  }

  private hasSockets(userId: number): boolean {
    for (const _ of this.publisher.socketsOf(userId)) return true;
    return false;
  }
}
