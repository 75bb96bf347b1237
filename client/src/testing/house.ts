import type { Clock } from '../clock.js';
import { AccessRequests } from './access-requests.js';
import { Accounts } from './accounts.js';
import { Attendance } from './attendance.js';
import { BotAnswers, type BotScript } from './bot.js';
import { Emails } from './emails.js';
import { Erasure } from './erasure.js';
import { Exports } from './exports.js';
import { GroupNotices } from './group-notices.js';
import { Groups } from './groups.js';
import { Handshakes } from './handshakes.js';
import { Logins } from './logins.js';
import { Members } from './members.js';
import { Messages } from './messages.js';
import { News } from './news.js';
import { Notifications } from './notifications.js';
import { Timers } from './pacing.js';
import { Passwords } from './passwords.js';
import { People } from './people.js';
import { PresenceNews } from './presence-news.js';
import { Presence } from './presence.js';
import { Rates } from './rates.js';
import { Reactions } from './reactions.js';
import { Receipts } from './receipts.js';
import type { Refusal } from './refusal.js';
import { Sockets } from './sockets.js';
import type { State } from './state.js';
import { Typing } from './typing.js';

/** Who a request or a socket speaks for. `session_id` 0: a hand of the test's, which has no session. */
export interface Identity {
  readonly user_id: number;
  readonly session_id: number;
}

/** What a test can have refused. */
export type Refusable = 'send' | 'login' | 'edit' | 'react' | 'history' | 'lists' | 'connect';

export interface Settings {
  /** Where people reach the server, without a slash at the end. */
  readonly url: string;
  readonly rates: boolean;
  readonly tickMs: number;
  readonly random: () => number;
  /** What the bot says to a question. */
  botSays: BotScript;
  /** The next refusals of each, in order. */
  readonly refusals: { readonly what: Refusable; readonly refusal: Refusal }[];
}

/** The server as it runs, from a start to the next: what it keeps in memory about what stands in the state. */
export class House {
  readonly timers: Timers;
  readonly rates: Rates;
  readonly sockets = new Sockets();
  readonly presence = new Presence(this);
  readonly presenceNews: PresenceNews;
  readonly news: News;
  readonly receipts: Receipts;
  readonly notices: GroupNotices;
  readonly attendance: Attendance;
  readonly messages: Messages;
  readonly bot: BotAnswers;
  readonly handshakes = new Handshakes(this);
  readonly logins = new Logins(this);
  readonly passwords = new Passwords(this);
  readonly accounts = new Accounts(this);
  readonly emails = new Emails(this);
  readonly exports = new Exports(this);
  readonly erasure = new Erasure(this);
  readonly people = new People(this);
  readonly members = new Members(this);
  readonly accessRequests = new AccessRequests(this);
  readonly groups = new Groups(this);
  readonly notifications = new Notifications(this);
  readonly typing = new Typing(this);
  readonly reactions = new Reactions(this);

  constructor(
    readonly state: State,
    readonly settings: Settings,
    clock: Clock,
  ) {
    this.timers = new Timers(clock);
    this.rates = new Rates(this.timers, settings.rates);
    this.presenceNews = new PresenceNews(this);
    this.news = new News(this);
    this.receipts = new Receipts(this);
    this.notices = new GroupNotices(this);
    this.messages = new Messages(this);
    this.attendance = new Attendance(this);
    this.bot = new BotAnswers(this);
  }

  now(): number {
    return this.timers.now();
  }

  /** Goes on with what was begun before: those who were in a group may come back, and questions wait for their answers. */
  start(): void {
    this.attendance.expectThoseBefore();
    this.bot.answerThoseBefore();
  }

  /** Nothing happens any more. What is stored stays. */
  stop(): void {
    this.attendance.markAll();
    for (const userId of this.presence.online()) this.presence.leftAt(userId, this.now());
    this.timers.stop();
    this.bot.stopAll();
    for (const connection of this.sockets.all()) connection.cut();
  }

  /** What the test wants to have refused. @throws Refusal */
  assertWanted(what: Refusable): void {
    const { refusals } = this.settings;
    const next = refusals.findIndex((one) => one.what === what);
    if (next >= 0) throw refusals.splice(next, 1)[0]!.refusal;
  }
}
