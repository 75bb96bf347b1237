import { Inject, Injectable } from '@nestjs/common';
import { type DomainError, RateLimited } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import type { Windows } from '../common/limits/windows.js';
import { CONFIG, type Config } from '../config/config.js';

/** Length of the windows in which questions are counted, in milliseconds. */
const DAY = 86_400_000;
/** The key of the budget that all users share. */
const ALL = '';

/**
 * The daily budget for a server in BOT_URL, which costs its operator money or a graphics card: a number of questions and characters for each
 * user, and a number of questions for all together. The embedded bot has none. Counted as rates are: for all nodes where
 * several share a Redis, else by this process, and from zero after a restart.
 */
@Injectable()
export class BotBudget {
  private readonly isOn: boolean;
  private readonly questions: Windows;
  private readonly characters: Windows;
  private readonly all: Windows;

  constructor(limits: RateLimits, @Inject(CONFIG) config: Config) {
    this.isOn = config.botUrl !== undefined && config.rateLimits;
    this.questions = limits.windows('botQuestion');
    this.characters = limits.windows('botCharacter');
    this.all = limits.windows('botAnywhere');
  }

  /** Checks the questions of one batch, one after the other. Nothing is counted: the batch may run twice. */
  look(): { refusalOf: (userId: number, text: string) => DomainError | undefined } {
    const asked = new Map<number, { questions: number; characters: number }>();
    let all = 0;
    return {
      refusalOf: (userId, text) => {
        if (!this.isOn) return undefined;
        const key = String(userId);
        const own = asked.get(userId) ?? { questions: 0, characters: 0 };
        const next = { questions: own.questions + 1, characters: own.characters + lengthOf(text) };
        const wait = Math.max(
          waitFor(this.questions, key, next.questions),
          waitFor(this.characters, key, next.characters),
        );
        if (wait > 0) return refused('You have asked the bot all that you may for today.', wait);
        const waitForAll = waitFor(this.all, ALL, all + 1);
        if (waitForAll > 0) return refused('The bot has been asked all that it may for today.', waitForAll);
        asked.set(userId, next);
        all++;
        return undefined;
      },
    };
  }

  /** Counts a question that is stored. */
  asked(userId: number, text: string): void {
    if (!this.isOn) return;
    const key = String(userId);
    this.questions.take(key);
    this.characters.take(key, lengthOf(text));
    this.all.take(ALL);
  }
}

/** Also where nothing was taken yet: a single batch can exceed the budget. */
const waitFor = (windows: Windows, key: string, points: number): number =>
  points > windows.points ? DAY : windows.waitFor(key, points);

const lengthOf = (text: string): number => Array.from(text).length;

const refused = (sentence: string, waitMs: number): DomainError => new RateLimited(sentence, Math.ceil(waitMs / 1_000));
