import type { Config } from '../../config/config.js';

/*
 * Every rate and every quota, in one table: how the server counts it, how docs/protocol.md describes it, and which setting changes it.
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Settings that are numbers; their defaults are in the table of variables. */
export type LimitSetting =
  | 'messagesPerDay'
  | 'botQuestionsPerDay'
  | 'botCharactersPerDay'
  | 'botBudgetPerDay'
  | 'registrationsPerHour'
  | 'groupsOwnedPerUser'
  | 'membershipsPerUser'
  | 'sessionsPerUser';

export interface Rate {
  /** What is counted, in the words of docs/protocol.md. */
  what: string;
  /** How many within `seconds`. */
  points: number | LimitSetting;
  seconds: number;
  /** For whom it is counted. A count by network is also kept for the /48 around an IPv6 network, with ten times the number. */
  by: 'user' | 'network' | 'account and network' | 'mailbox and purpose' | 'server';
}

const rates = <Name extends string>(table: Record<Name, Rate>): Record<Name, Rate> => table;

/** Beyond these, requests are refused as `rate_limited`. All are off with RATE_LIMITS=off. */
export const RATES = rates({
  message: { what: '`message`, also what is refused', points: 60, seconds: 6, by: 'user' },
  messageOfDay: { what: 'the same in a day', points: 'messagesPerDay', seconds: DAY, by: 'user' },
  botQuestion: { what: 'questions to a language model', points: 'botQuestionsPerDay', seconds: DAY, by: 'user' },
  botCharacter: { what: 'characters of these', points: 'botCharactersPerDay', seconds: DAY, by: 'user' },
  botAnywhere: { what: 'these questions, all in all', points: 'botBudgetPerDay', seconds: DAY, by: 'server' },
  write: {
    what: 'changes over HTTP, `read`, `react`, and pages that enter a group',
    points: 60,
    seconds: 6,
    by: 'user',
  },
  read: {
    what: 'reads over HTTP: a list counts as 10, people by `ids` and all else as 1',
    points: 600,
    seconds: 10,
    by: 'user',
  },
  typing: { what: '`typing`', points: 60, seconds: 6, by: 'user' },
  // Counted by the rows of exports, and so on all nodes together.
  export: { what: "exports of one's own data", points: 1, seconds: DAY, by: 'user' },
  report: { what: 'reports of messages', points: 10, seconds: DAY, by: 'user' },
  newEmail: { what: 'new e-mail addresses asked for', points: 5, seconds: DAY, by: 'user' },
  login: { what: 'logins', points: 10, seconds: MINUTE, by: 'account and network' },
  wrongPasswordOfAccount: { what: 'wrong passwords', points: 10, seconds: 15 * MINUTE, by: 'account and network' },
  wrongPassword: { what: 'wrong passwords, whosever', points: 100, seconds: 15 * MINUTE, by: 'network' },
  register: { what: 'registrations', points: 100, seconds: 15 * MINUTE, by: 'network' },
  // A network (for IPv6, the /48 around it) gets one more only while it has had fewer than are left: so the first one gets at most half, and
  // it takes ten networks to keep all others out for an hour.
  registerAnywhere: { what: 'registrations, all in all', points: 'registrationsPerHour', seconds: HOUR, by: 'server' },
  stranger: { what: 'links asked for, opened or used', points: 100, seconds: 15 * MINUTE, by: 'network' },
  document: { what: 'what lies below `/http/docs`, and `/http/server`', points: 300, seconds: 10, by: 'network' },
  flood: { what: 'connections that are closed for what they sent', points: 30, seconds: 10, by: 'network' },
  mail: { what: 'mails', points: 3, seconds: HOUR, by: 'mailbox and purpose' },
});

export type RateName = keyof typeof RATES;

/** How many times the number of a network a site may have, the /48 around an IPv6 network. */
export const NETWORKS_OF_SITE = 10;

export interface PacketCost {
  what: string;
  /** In packets. */
  cost: number;
}

const costs = <Name extends string>(table: Record<Name, PacketCost>): Record<Name, PacketCost> => table;

/** One is added to the cost for each of so many bytes: a text of 64 KiB takes as long to parse as dozens of short ones. */
export const BYTES_OF_ONE = 4 * 1024;

/** What a connection sends, as SOCKET_PACKETS_PER_SECOND counts it. All costs that apply are added up. */
export const PACKET_COSTS = costs({
  packet: { what: 'a packet of any kind, a ping or a pong of a WebSocket', cost: 1 },
  bytes: { what: 'each whole 4 KiB of it, or of the body of a request', cost: 1 },
  /** Costs some ten times as much as a packet. */
  request: { what: 'a request of a polling client that brings packets', cost: 5 },
  /** Its token is checked, the database queried, listeners called, and others notified. */
  join: { what: 'joining', cost: 10 },
  /** An exception that is thrown, caught, and sent twice. */
  refusal: { what: 'being refused', cost: 1 },
});

export interface Quota {
  what: string;
  most: LimitSetting;
  /** What happens beyond it. */
  past: string;
}

const quotas = <Name extends string>(table: Record<Name, Quota>): Record<Name, Quota> => table;

/** How much a user may have at a time; also with RATE_LIMITS=off. Users who have more than a lowered quota keep it. */
export const QUOTAS = quotas({
  groupsOwned: { what: 'groups that one owns', most: 'groupsOwnedPerUser', past: '`quota_exceeded`' },
  memberships: { what: 'groups that one is a member of', most: 'membershipsPerUser', past: '`quota_exceeded`' },
  sessions: { what: 'sessions', most: 'sessionsPerUser', past: 'the oldest ends' },
});

/** The number in the table, or the one that the operator has set. */
export const numberOf = (given: number | LimitSetting, config: Pick<Config, LimitSetting>): number =>
  typeof given === 'number' ? given : config[given];
