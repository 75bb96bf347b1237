import { Backoff } from '../common/timing/backoff.js';
import { type AppendResult, chatOfKey, type Draft } from './draft.js';

/** Drafts of one batch: enough to share the cost of a flush, few enough for single statements. */
const MAX_BATCH = 500;
/** Bytes (as UTF-16) of one batch: stays far below MySQL's `max_allowed_packet`. */
const MAX_BATCH_LENGTH = 1_000_000;
/** Of these, drafts that are tried again: those that are held must not fill the batches of the others. */
const MAX_HELD_IN_BATCH = 100;
/** Pauses between tries of drafts that are held. */
const FIRST_TRY_MS = 5;
const LONGEST_TRY_MS = 200;

/** A draft in the queue, with the promise of its caller. */
export class Waiting {
  /** The key that it is held by, and since when. */
  heldBy?: string;
  heldSince?: number;

  constructor(
    readonly draft: Draft,
    /** Of its arrival. */
    readonly number: number,
    readonly since: number,
    readonly resolve: (stored: AppendResult) => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/**
 * Drafts that wait to be stored, in the order of arrival. Those that need a row which another transaction holds stand at the head, and are
 * tried again and again; drafts that must not overtake them wait behind them, all others pass. Local to a process.
 */
export class DraftQueue {
  private fresh: Waiting[] = [];
  /** Parts of a batch that failed: each is a batch of its own, before all others. */
  private parts: Waiting[][] = [];
  /** By their numbers. */
  private held: Waiting[] = [];
  private readonly tries = new Map<string, { backoff: Backoff; dueAt: number }>();
  private textLength = 0;
  private arrivals = 0;

  get length(): number {
    return this.fresh.length + this.held.length + this.parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** Of all texts, in UTF-16 units. */
  get size(): number {
    return this.textLength;
  }

  push(draft: Draft, now: number, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    this.fresh.push(new Waiting(draft, this.arrivals++, now, resolve, reject));
    this.textLength += draft.body.length;
  }

  /** The next batch; empty where all drafts are held, until `nextTryAt`. `freeChat`: a chat that is probably not held any more. */
  takeBatch(now: number, freeChat?: number): Waiting[] {
    const batch = this.parts.shift() ?? [...this.takeHeld(now, freeChat), ...this.takeFresh()];
    for (const { draft } of batch) this.textLength -= draft.body.length;
    return batch;
  }

  /** Keys that are held and not tried in the batch that was taken, each with the number of the first draft that waits for it. */
  closedKeys(): ReadonlyMap<string, number> {
    const first = new Map<string, number>();
    for (const { heldBy, number } of this.held) if (!first.has(heldBy!)) first.set(heldBy!, number);
    return first;
  }

  /** Chats that have been held since `time` or longer, the longest first. */
  chatsHeldSince(time: number): number[] {
    const chats = new Set<number>();
    for (const { heldBy, heldSince } of this.held) {
      const chat = heldSince! <= time ? chatOfKey(heldBy!) : undefined;
      if (chat !== undefined) chats.add(chat);
    }
    return [...chats];
  }

  /** When the drafts that are held are to be tried again. */
  get nextTryAt(): number {
    return Math.min(...this.held.map(({ heldBy }) => this.tries.get(heldBy!)!.dueAt));
  }

  /** Puts back parts of a batch: they are stored before anything else, each in a transaction of its own. */
  putBack(parts: Waiting[][]): void {
    for (const part of parts) this.count(part);
    this.parts.unshift(...parts);
  }

  /** After each batch: these drafts of it are held by these keys; the others were not held. */
  hold(waiting: [Waiting, key: string][], now: number): void {
    if (waiting.length === 0 && this.tries.size === 0) return;
    // Only those that were tried: the others wait behind them, and nothing is known of what they need.
    const stillHeld = new Set<string>();
    for (const [one, key] of waiting) {
      if (one.heldBy === key) stillHeld.add(key);
      one.heldBy = key;
      one.heldSince ??= now;
      this.held.push(one);
    }
    this.held.sort((a, b) => a.number - b.number);
    this.count(waiting.map(([one]) => one));
    for (const key of new Set(waiting.map(([one]) => one.heldBy!))) {
      const known = this.tries.get(key);
      if (known && (!stillHeld.has(key) || known.dueAt > now)) continue;
      const backoff = known?.backoff ?? new Backoff(FIRST_TRY_MS, LONGEST_TRY_MS);
      this.tries.set(key, { backoff, dueAt: now + backoff.next() });
    }
    const keys = this.closedKeys();
    for (const key of this.tries.keys()) if (!keys.has(key)) this.tries.delete(key);
  }

  /** Takes out those that are held longer than this. */
  takeHeldSince(time: number): Waiting[] {
    return this.takeOut(({ heldSince }) => heldSince !== undefined && heldSince <= time);
  }

  /** Takes out those that came before this. */
  takeOlder(time: number): Waiting[] {
    return this.takeOut(({ since }) => since <= time);
  }

  takeAll(): Waiting[] {
    return this.takeOut(() => true);
  }

  private takeOut(isMeant: (waiting: Waiting) => boolean): Waiting[] {
    const all = [...this.parts.flat(), ...this.held, ...this.fresh];
    const out = all.filter(isMeant);
    if (out.length === 0) return out;
    const stays = (waiting: Waiting): boolean => !isMeant(waiting);
    this.parts = this.parts.map((part) => part.filter(stays)).filter((part) => part.length > 0);
    this.held = this.held.filter(stays);
    this.fresh = this.fresh.filter(stays);
    for (const { draft } of out) this.textLength -= draft.body.length;
    return out;
  }

  private takeHeld(now: number, freeChat?: number): Waiting[] {
    if (this.held.length === 0) return [];
    const isFree = ({ heldBy }: Waiting): boolean => freeChat !== undefined && chatOfKey(heldBy!) === freeChat;
    const due = this.held.filter((waiting) => !isFree(waiting) && this.tries.get(waiting.heldBy!)!.dueAt <= now);
    const taken = new Set([...this.held.filter(isFree), ...due].slice(0, MAX_HELD_IN_BATCH));
    const batch = this.held.filter((waiting) => taken.has(waiting));
    this.held = this.held.filter((waiting) => !taken.has(waiting));
    return batch;
  }

  private takeFresh(): Waiting[] {
    let count = 0;
    for (let length = 0; count < this.fresh.length && count < MAX_BATCH && length < MAX_BATCH_LENGTH; count++) {
      length += this.fresh[count]!.draft.body.length;
    }
    return this.fresh.splice(0, count);
  }

  private count(waiting: Waiting[]): void {
    for (const { draft } of waiting) this.textLength += draft.body.length;
  }
}
