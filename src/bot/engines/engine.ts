import { DomainError } from '../../common/errors.js';
import { MAX_MESSAGE } from '../../common/fields.js';

/** Longest answer of an engine in code points: the longest message. */
export const MAX_ANSWER = MAX_MESSAGE;

export interface Turn {
  /** Written by the user; otherwise by the bot. */
  isUser: boolean;
  text: string;
}

export interface Asking {
  /** What the bot may call the user. */
  firstName: string;
  /** Aborting it ends the work at once. */
  signal: AbortSignal;
}

/** Generates the bot's answers. It keeps nothing about users between two answers. */
export interface BotEngine {
  /**
   * Streams the answer to the last turn of `history`, which runs from old to new: pieces that are never empty, together 1 to
   * MAX_ANSWER code points. Leaving the loop early ends the work as `signal` does.
   * @throws BotUnavailable also after some pieces, where the answer breaks off
   * @throws the signal's own reason once that is aborted
   */
  answer(history: readonly Turn[], asking: Asking): AsyncIterable<string>;

  /** Ends all work: answers that are under way break off as BotUnavailable. */
  close(): Promise<void>;
}

/** The bot has no answer, or only the beginning of one. The engine has logged why. */
export class BotUnavailable extends DomainError {
  /** @param reason what happened, for the log: never a word of what was asked or answered, nor a key */
  constructor(readonly reason: string) {
    super(
      'unavailable',
      'bot_unavailable',
      'The bot cannot answer right now. Your question is kept; ask again in a moment.',
    );
  }
}
