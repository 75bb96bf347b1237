import { ACCOUNTS } from './scenarios-accounts.js';
import { BOT } from './scenarios-bot.js';
import { DOORS } from './scenarios-doors.js';
import { EXTRAS } from './scenarios-extras.js';
import { GROUPS } from './scenarios-groups.js';
import { MAILED } from './scenarios-mailed.js';
import { PEOPLE } from './scenarios-people.js';
import { RANDOM } from './scenarios-random.js';
import { ROOMS } from './scenarios-rooms.js';
import { REPORTS } from './scenarios-reports.js';
import type { Scene } from './scene.js';

/** Something that happens, whichever server it happens to. */
export interface Scenario {
  readonly name: string;
  /** It is about rates. */
  readonly rates?: true;
  /** It mostly waits, for somebody to have been away for five seconds, say, and nothing in it hangs on shorter times. */
  readonly waits?: true;
  /** False: what is gathered for a second, or told at most once in one, is not compared. */
  readonly isTimed?: boolean;
  readonly play: (scene: Scene) => Promise<void>;
}

/** Those first that wait the longest. */
export const SCENARIOS: readonly Scenario[] = [
  ...GROUPS,
  ...PEOPLE,
  ...ACCOUNTS,
  ...MAILED,
  ...ROOMS,
  ...EXTRAS,
  ...REPORTS,
  ...DOORS,
  ...BOT,
  ...RANDOM,
];
