import type { Config } from '../../config/config.js';

/*
 * Every rate and every quota, in one table: what the server counts, what docs/protocol.md says, and which setting changes it.
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Settings of the operator that are numbers; their defaults stand in the table of variables. */
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
  /** What is counted, as docs/protocol.md says it. */
  what: string;
  /** How many within `seconds`. */
  points: number | LimitSetting;
  seconds: number;
  /** Whose they are. What is counted by network is counted by the /48 around an IPv6 network as well, ten times as many. */
  by: 'user' | 'network' | 'account and network' | 'mailbox and purpose' | 'server';
}

const rates = <Name extends string>(table: Record<Name, Rate>): Record<Name, Rate> => table;

/** Past each, `rate_limited`. All are off with RATE_LIMITS=off. */
export const RATES = rates({
  message: { what: '`message`, also what is refused', points: 60, seconds: 6, by: 'user' },
  messageOfDay: { what: 'the same in a day', points: 'messagesPerDay', seconds: DAY, by: 'user' },
  botQuestion: { what: 'questions to a language model', points: 'botQuestionsPerDay', seconds: DAY, by: 'user' },
  botCharacter: { what: 'characters of these', points: 'botCharactersPerDay', seconds: DAY, by: 'user' },
  botAnywhere: { what: 'these questions, all in all', points: 'botBudgetPerDay', seconds: DAY, by: 'server' },
  write: { what: 'changes over HTTP, `read`, and pages that enter a group', points: 60, seconds: 6, by: 'user' },
  read: { what: 'reads over HTTP: a list counts as 10, all else as 1', points: 600, seconds: 10, by: 'user' },
  typing: { what: '`typing`', points: 60, seconds: 6, by: 'user' },
  login: { what: 'logins', points: 10, seconds: MINUTE, by: 'account and network' },
  wrongPasswordOfAccount: { what: 'wrong passwords', points: 10, seconds: 15 * MINUTE, by: 'account and network' },
  wrongPassword: { what: 'wrong passwords, whosever', points: 100, seconds: 15 * MINUTE, by: 'network' },
  register: { what: 'registrations', points: 100, seconds: 15 * MINUTE, by: 'network' },
  // A network, for IPv6 the /48 around it, gets one more only while it has had fewer of them than are left: the first one at most half,
  // and it takes ten networks, not one, to keep all others out for an hour.
  registerAnywhere: { what: 'registrations, all in all', points: 'registrationsPerHour', seconds: HOUR, by: 'server' },
  stranger: { what: 'links asked for, opened or used', points: 100, seconds: 15 * MINUTE, by: 'network' },
  document: { what: 'what lies below `/http/docs`', points: 300, seconds: 10, by: 'network' },
  flood: { what: 'connections that are closed for what they sent', points: 30, seconds: 10, by: 'network' },
  mail: { what: 'mails', points: 3, seconds: HOUR, by: 'mailbox and purpose' },
});

export type RateName = keyof typeof RATES;

/** How many times as much a site, the /48 around an IPv6 network, may have as one network. */
export const NETWORKS_OF_SITE = 10;

export interface PacketCost {
  what: string;
  /** In packets. */
  cost: number;
}

const costs = <Name extends string>(table: Record<Name, PacketCost>): Record<Name, PacketCost> => table;

/** A cost is added for each of so many whole bytes: a text of 64 KiB takes as long to parse as dozens of short ones. */
export const BYTES_OF_ONE = 4 * 1024;

/** What a connection sends, as SOCKET_PACKETS_PER_SECOND counts it. All that is true of a thing is added up. */
export const PACKET_COSTS = costs({
  packet: { what: 'a packet of any kind, a ping or a pong of a WebSocket', cost: 1 },
  bytes: { what: 'each whole 4 KiB of it, or of the body of a request', cost: 1 },
  /** Some ten times as much as a packet. */
  request: { what: 'a request of a polling client that brings packets', cost: 5 },
  /** A token to check, questions to the database, listeners, others to tell. */
  join: { what: 'joining', cost: 10 },
  /** An exception that is thrown, caught, and told twice. */
  refusal: { what: 'being refused', cost: 1 },
});

export interface Quota {
  what: string;
  most: LimitSetting;
  /** What happens past it. */
  past: string;
}

const quotas = <Name extends string>(table: Record<Name, Quota>): Record<Name, Quota> => table;

/** How much of a thing one person may have at a time; also with RATE_LIMITS=off. Whoever has more keeps what they have. */
export const QUOTAS = quotas({
  groupsOwned: { what: 'groups that one owns', most: 'groupsOwnedPerUser', past: '`quota_exceeded`' },
  memberships: { what: 'groups that one is a member of', most: 'membershipsPerUser', past: '`quota_exceeded`' },
  sessions: { what: 'sessions', most: 'sessionsPerUser', past: 'the oldest ends' },
});

/** The number that stands in the table, or that the operator has set. */
export const numberOf = (given: number | LimitSetting, config: Pick<Config, LimitSetting>): number =>
  typeof given === 'number' ? given : config[given];
