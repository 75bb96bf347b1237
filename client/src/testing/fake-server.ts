import type { ErrorCode } from '../errors.js';
import type { ChatRef, Message } from '../data.js';
import type { ParleyOptions } from '../types.js';
import type { BotScript } from './bot.js';
import { FakeClock } from './fake-clock.js';
import { FakePerson, toMessage } from './fake-person.js';
import { House, type Refusable, type Settings } from './house.js';
import { type FakeDevice, makeDevice, type Network } from './network.js';
import { seeded, seedOf } from './random.js';
import { Refusal } from './refusal.js';
import { Traffic } from './settle.js';
import { type Mail, type ServerSettings, State } from './state.js';

export interface FakeServerOptions {
  /** Of all that is by chance: tokens, and what clients draw. */
  readonly seed?: number;
  /** When it begins: an ISO date. */
  readonly now?: string;
  /** How long the bot takes for each piece of an answer: 100 by itself. */
  readonly tick_ms?: number;
  /** False: nothing is ever too often. */
  readonly rates?: boolean;
  /** Where people reach it, without a slash at the end. */
  readonly url?: string;
}

export interface NewPerson {
  readonly first_name: string;
  readonly last_name?: string;
  readonly email?: string;
  readonly password?: string;
}

export interface NewGroup {
  readonly is_private?: boolean;
  /** By itself, the first of `members`, or somebody whom nobody knows. */
  readonly owner?: FakePerson;
  readonly members?: readonly FakePerson[];
}

/** How long to wait, in seconds, where a refusal says so. */
const RETRY_AFTER: Readonly<Record<string, number>> = { rate_limited: 1, busy: 1, unavailable: 1 };

/**
 * A Parley server in memory, for tests of applications: the same answers, codes, numbers and rates as the real one. Time is the test's:
 * packets and requests take none and come by themselves, as do their answers; everything that takes time waits for `pass`.
 *
 * Missing is what no client speaks to: pages for browsers, forms, origins, networks (all clients are in one), the cost of packets, and the
 * budget of a language model. Of passwords it knows few that are common.
 */
export class FakeServer {
  readonly url: string;
  readonly clock: FakeClock;
  private readonly traffic = new Traffic();
  private readonly state = new State();
  private readonly settings: Settings;
  private readonly network: Network;
  private readonly people: FakePerson[] = [];
  private readonly devices: FakeDevice[] = [];
  private readonly seed: number;
  private house: House;
  private isUp = true;

  constructor(options: FakeServerOptions = {}) {
    const { seed = 1, now, tick_ms = 100, rates = true, url = 'http://parley.test' } = options;
    this.seed = seed;
    this.url = url;
    this.clock = new FakeClock(now, this.traffic.settled);
    const botSays: BotScript = (question) => [`You said: ${question}`];
    this.settings = { url, rates, tickMs: tick_ms, random: seeded(seed), botSays, refusals: [] };
    this.house = new House(this.state, this.settings, this.clock);
    this.house.start();
    this.network = {
      house: () => this.house,
      isUp: () => this.isUp,
      clock: this.clock,
      pass: this.traffic.pass,
    };
  }

  /** For a ParleyClient on a device of its own: another one each time that this is read. */
  get options(): ParleyOptions {
    return this.device().options;
  }

  /** One more device, whose network the test can break. */
  readonly device = (): FakeDevice => {
    const device = makeDevice(this.network, seeded(seedOf(this.seed, this.devices.length + 1)));
    this.devices.push(device);
    return device;
  };

  /** Somebody who has an account: news to those who are connected already. */
  person({ first_name, last_name = '', email, password = 'correct horse battery' }: NewPerson): FakePerson {
    const made = this.house.accounts.make({
      email: email ?? `person${this.people.length + 1}@example.com`,
      password,
      first_name,
      last_name,
    });
    this.house.news.forgetUnlessHeard();
    const person = new FakePerson(made, { house: () => this.house, url: this.url, device: this.device });
    this.people.push(person);
    return person;
  }

  /** A group that is there: news, as a person is. @returns its id */
  group(name: string, { is_private = false, owner, members = [] }: NewGroup = {}): number {
    const by = owner ?? members[0] ?? this.person({ first_name: 'Owner' });
    const me = { user_id: by.id, session_id: 0 };
    const { id } = this.house.groups.create(me, name, is_private);
    for (const member of members) this.house.members.add(me, id, member.id);
    this.house.news.forgetUnlessHeard();
    return id;
  }

  /** As an admin does: all their sessions end, and no login opens another one. False: they may come in again. */
  suspend({ id }: FakePerson, is_suspended = true): void {
    this.house.logins.suspend(id, is_suspended);
  }

  /** As an admin does: a group that can only be read. False: it goes on. */
  freeze(group_id: number, is_frozen = true): void {
    this.house.groups.freeze(group_id, is_frozen);
  }

  /** What the bot says to each question from now on. */
  botSays(script: readonly string[] | BotScript): void {
    this.settings.botSays = typeof script === 'function' ? script : () => script;
  }

  /** Nobody gets through, until `online`: connections break, and requests fail. */
  offline(): void {
    this.isUp = false;
    for (const device of this.devices) device.drop();
  }

  online(): void {
    this.isUp = true;
  }

  /** Connections break; what is stored stays, what was counted or about to be told is forgotten. Who comes back, comes at once. */
  restart(): void {
    this.house.stop();
    this.house = new House(this.state, this.settings, this.clock);
    this.house.start();
    for (const person of this.people) person.comesBack();
  }

  /** Each connection is told to look again, as by a node that may have missed what others sent. `faulty` loses events. */
  resync(): void {
    this.house.sockets.tellAll([], 'resync', { reason: 'events_missed' });
  }

  /** What an operator sets while the server runs; each connection is told by `server_update`. */
  operate(changed: Partial<ServerSettings>): void {
    const { server } = this.state;
    const { registration, motd } = server;
    Object.assign(server, changed, changed.motd === '' && { motd: null });
    const update = {
      ...(server.registration !== registration && { registration: server.registration }),
      ...(server.motd !== motd && { motd: server.motd }),
    };
    if (Object.keys(update).length > 0) this.house.sockets.tellAll([], 'server_update', update);
  }

  /** An invitation that makes so many accounts. @returns its token */
  invite(uses = 1): string {
    const token = this.house.accounts.newToken();
    this.state.invites.set(token, uses);
    return token;
  }

  /** The next requests of a kind get this code, as many as `times`. `send`: messages and questions · `react`: over HTTP · `lists`: all of them · `connect`: handshakes. */
  refuse(what: Refusable, code: ErrorCode, times = 1): void {
    const retry_after = RETRY_AFTER[code];
    const refusal = new Refusal(
      code,
      `The test has this refused: ${code}.`,
      retry_after === undefined ? {} : { retry_after },
    );
    for (let i = 0; i < times; i++) this.settings.refusals.push({ what, refusal });
  }

  /** Lets time pass: runs the timers of clients and server in their order, and settles what follows from each. 0: only settles. */
  readonly pass = (ms: number): Promise<void> => this.clock.pass(ms);

  /** What is stored in a chat, oldest first. `of` says whose room with `ref.user_id` it is, and whose chat with the bot. */
  messages(ref: ChatRef, of?: FakePerson): readonly Message[] {
    const { state } = this;
    if (ref.type !== 'group' && !of) throw new TypeError('Whose chat? Say so by `of`.');
    const chat =
      ref.type === 'group'
        ? state.group(ref.group_id)
        : ref.type === 'room'
          ? state.room(ref.user_id, of!.id)
          : state.botChat(of!.id);
    return (chat?.messages ?? []).map((one) => toMessage(chat!, one, of?.id));
  }

  /** What was sent to an address, the newest first; without one, to all. */
  mails(email?: string): readonly Mail[] {
    return this.state.mails.filter(({ to }) => email === undefined || to === email);
  }
}

export const fakeServer = (options?: FakeServerOptions): FakeServer => new FakeServer(options);
