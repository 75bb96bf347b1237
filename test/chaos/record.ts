import type { ServerProcess } from '../support/server-process.js';

/** Where people are served, and whether something was amiss there between two moments. */
export interface Place {
  readonly nodes: readonly ServerProcess[];
  wasAmiss(from: number, to: number): boolean;
}

/** Somebody who does things. */
export interface Doer {
  readonly id: number;
  readonly name: string;
}

export interface Sent {
  readonly by: Doer;
  readonly chat: string;
  readonly text: string;
  readonly clientId: string;
  /** The number that was acknowledged. */
  seq?: number;
  /** Of a room: its id, as acknowledged. */
  roomId?: number;
  /** It was refused for good; an earlier try, whose answer was lost, may have been stored. */
  refused?: string;
  /** What the author was told of a change of it. */
  isEdited?: boolean;
  isDeleted?: boolean;
}

/** A time in which a member must get and write nothing in a group: from the answer to their removal until somebody asks to add them again. */
export interface Ban {
  readonly userId: number;
  readonly groupId: number;
  readonly from: number;
  to: number;
}

/** A time without direct messages between two: from the answer until somebody asks to take it back. */
export interface Block {
  readonly by: number;
  readonly of: number;
  readonly from: number;
  to: number;
}

/** Somebody who came and has erased their account. */
export interface Erased {
  readonly id: number;
  readonly name: string;
  readonly at: number;
}

/** Of somebody to a message, with one emoji: as it was acknowledged last. */
export interface Reaction {
  readonly by: Doer;
  readonly conversationId: number;
  readonly seq: number;
  readonly emoji: string;
  isOn: boolean | undefined;
  /** What was asked for by tries without an answer, which may be carried out after all others. */
  readonly mayComeLate: Set<boolean>;
}

/** Asked of the bot. */
export interface Question {
  readonly by: Doer;
  readonly text: string;
  readonly clientId: string;
  seq?: number;
  /** Its end was asked for: there may be less of an answer, or none. */
  isStopped?: boolean;
  /** What stood there once that was acknowledged; undefined where there was nothing. */
  stoppedAt?: { answer: string | undefined };
}

/** A message that came live. */
export interface Heard {
  readonly userId: number;
  readonly chat: string;
  readonly seq: number;
  readonly text: string;
  readonly at: number;
  /** When the session had ended of the socket on which it came. */
  readonly life: Life;
}

/** An answer of the bot that came live. */
export interface Answered {
  readonly userId: number;
  readonly questionSeq: number;
  readonly answer: string | undefined;
}

/** Of a socket: from when on nothing may be sent to it. */
export interface Life {
  endedAt: number;
}

/** What everybody did and was told, for the check. Times are of `performance.now()`. */
export class Record {
  readonly sent: Sent[] = [];
  readonly bans: Ban[] = [];
  readonly blocks: Block[] = [];
  readonly erased: Erased[] = [];
  readonly questions: Question[] = [];
  readonly reactions: Reaction[] = [];
  readonly heard: Heard[] = [];
  readonly answered: Answered[] = [];
  /** What must never happen, in words. */
  readonly wrong: string[] = [];
  /** By what was done, how often it was answered. */
  readonly done = new Map<string, number>();

  count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}

export const roomOf = (a: number, b: number): string => `room ${Math.min(a, b)}:${Math.max(a, b)}`;
export const groupOf = (id: number): string => `group ${id}`;
export const botOf = (userId: number): string => `bot ${userId}`;
