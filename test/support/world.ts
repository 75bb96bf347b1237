import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TestApp } from './app.js';
import { call, Person } from './client.js';
import { Replica } from './replica.js';

const PEOPLE = 4;
const DEVICES = 2;
/** The last two are one. */
const EMOJI = ['👍', '🎉', '❤️', '❤'];
const LEVELS = ['all', 'mentions', 'none'];
const FOR_GOOD = '9999-01-01T00:00:00.000Z';

/** Of all worlds: no text comes twice, nor within another one. */
let texts = 0;
/** Numbers stand for people, groups and messages that are there, whichever they are: every action is possible at any time. */
type Action = { kind: (typeof KINDS)[number]; who: number; whom: number; where: number; which: number; isOn: boolean };

/** Some more often than others. */
const KINDS = [
  'sendRoom',
  'sendRoom',
  'sendRoom',
  'sendGroup',
  'sendGroup',
  'sendGroup',
  'answer',
  'answer',
  'name',
  'name',
  'react',
  'react',
  'react',
  'react',
  'repeat',
  'readRoom',
  'readGroup',
  'attend',
  'attend',
  'attendByPage',
  'edit',
  'edit',
  'nameFewer',
  'remove',
  'settings',
  'create',
  'change',
  'add',
  'putOut',
  'giveUp',
  'deleteGroup',
  'askAccess',
  'answerAccess',
  'block',
  'rename',
  'drop',
  'logout',
  'connect',
] as const;

/** Anything that they may do, in any order. */
export const actions = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    who: fc.nat(PEOPLE - 1),
    whom: fc.nat(PEOPLE - 1),
    where: fc.nat(5),
    which: fc.nat(50),
    isOn: fc.boolean(),
    /** Does not wait for the one before. */
    atOnce: fc.boolean(),
  }),
  { minLength: 5, maxLength: 40 },
);

/** Four people with two devices each, a room and three groups to begin with. */
export class World {
  readonly groups: number[] = [];
  readonly devices: (Replica | undefined)[][] = [];
  /** All that was ever said. */
  readonly said: string[] = [];
  /** Whom each has blocked, ever: what these call themselves is not told, nor to who is no member what their groups are called. */
  readonly blocked = Array.from({ length: PEOPLE }, () => new Set<number>());

  private constructor(
    readonly app: TestApp,
    readonly people: Person[],
  ) {}

  static async start(app: TestApp): Promise<World> {
    const people = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => Person.known(app, `P${i}`)));
    const world = new World(app, people);
    const owners = [0, 1, 1];
    for (const [where, who] of owners.entries()) await world.create(people[who], where === 2);
    for (const person of people)
      world.devices.push(await Promise.all(Array.from({ length: DEVICES }, () => Replica.connect(person))));
    // Whoever is let in or enters comes to something that was said.
    const nothing = { whom: 0, which: 0, isOn: false };
    for (const [where, who] of owners.entries()) await world.act({ kind: 'sendGroup', who, where, ...nothing });
    return world;
  }

  async create(person: Person, isPrivate: boolean): Promise<void> {
    const { body } = await this.call(person, 'POST', '/http/chat_groups', {
      chat_group_name: `G${this.groups.length}`,
      is_private: isPrivate,
    });
    this.groups.push(body.id);
  }

  call(person: Person, method: string, path: string, body?: unknown) {
    return call(this.app, method, path, { token: person.token, ...(body !== undefined && { body }) });
  }

  async act(action: Action): Promise<void> {
    const { kind, who, whom, where, which, isOn } = action;
    const [me, other, groupId] = [this.people[who], this.people[whom], this.groups[where % this.groups.length]];
    const live = this.devices[who].filter((device) => device !== undefined);
    const device = live[which % Math.max(1, live.length)];
    const group = `/http/chat_groups/${groupId}`;
    const event = async (name: string, payload: object): Promise<void> => {
      if (!device) return;
      // Nobody answers a device that is dropped in this moment.
      const dropped = new Promise<void>((resolve) => device.socket.once('disconnect', () => resolve()));
      if (device.socket.connected)
        await Promise.race([(device.socket as any).timeout(15_000).emitWithAck(name, payload), dropped]);
    };
    const say = (payload: object): Promise<void> => event('message', payload);
    const text = (): string => this.said[this.said.push(`words ${++texts}.`) - 1];
    const sayThere = (more: object): Promise<void> =>
      say({
        ...(isOn
          ? {
              chat_type: 'room',
              other_user_id: other.id,
            }
          : {
              chat_type: 'group',
              chat_group_id: groupId,
            }),
        message: text(),
        ...more,
      });
    const message_of = isOn ? await this.roomOf(me, other) : groupId;
    const seq = 1 + (which % 12);
    const place = `/http/${isOn ? 'chat_rooms' : 'chat_groups'}/${message_of}/messages/${seq}`;
    const chat = isOn ? { chat_room_id: message_of ?? 1 } : { chat_group_id: groupId };
    switch (kind) {
      case 'sendRoom':
        return say({ chat_type: 'room', other_user_id: other.id, message: text() });
      case 'repeat': {
        const payload = { chat_type: 'room', other_user_id: other.id, message: 'again', client_id: `c${which % 3}` };
        return void (await Promise.all([say(payload), say(payload)]));
      }
      case 'sendGroup':
        return say({ chat_type: 'group', chat_group_id: groupId, message: text() });
      case 'answer':
        return sayThere({ reply_to: seq, is_silent: which % 5 === 0 });
      case 'name':
        return sayThere({ mentions: { user_ids: [other.id], everyone: which % 2 === 0 } });
      case 'react': {
        const reaction = { emoji: EMOJI[where % EMOJI.length], is_on: which % 4 !== 3 };
        return where % 2
          ? event('react', { ...chat, seq, ...reaction })
          : void (await this.call(me, 'PUT', `${place}/reactions`, reaction));
      }
      case 'settings': {
        const settings = [
          { notify: LEVELS[where % LEVELS.length] },
          { muted_until: where % 2 ? FOR_GOOD : null },
          { is_favourite: where % 2 === 0, is_archived: where % 3 === 0 },
        ];
        return void (await this.call(me, 'PUT', '/http/chat_settings', { ...chat, ...settings[which % 3] }));
      }
      case 'readRoom':
        return event('read', { chat_room_id: (await this.roomOf(me, other)) ?? 1, ...(isOn && { seq: 1 + which }) });
      case 'readGroup':
        return void (await this.call(me, 'PUT', '/http/notifications', { chat_group_id: groupId }));
      case 'attend':
        return say({ chat_type: 'group', chat_group_id: groupId, is_enter: isOn });
      case 'attendByPage':
        return void (await this.call(me, 'GET', group));
      case 'edit':
        return void (await this.call(me, 'PUT', place, { message: text() }));
      case 'nameFewer':
        return void (await this.call(me, 'PUT', place, { message: text(), mentions: { user_ids: [] } }));
      case 'remove':
        return void (await this.call(me, 'DELETE', place));
      case 'create':
        return this.groups.length < 6 ? this.create(me, isOn) : undefined;
      case 'change':
        return void (await this.call(
          me,
          'PUT',
          group,
          isOn ? { chat_group_name: `name ${++texts}` } : { owner_id: other.id },
        ));
      case 'add':
        return void (await this.call(me, 'POST', `${group}/members`, { user_id: other.id }));
      case 'putOut':
        return void (await this.call(me, 'DELETE', `${group}/members/${other.id}`));
      case 'giveUp':
        return void (await this.call(me, 'DELETE', `${group}/members/${me.id}`));
      // Not each time: what happens in groups happens in few.
      case 'deleteGroup':
        return which % 4 === 0 ? void (await this.call(me, 'DELETE', group)) : undefined;
      case 'askAccess':
        return void (await this.call(me, 'POST', `/http/chat_groups/access_requests/${groupId}`));
      case 'answerAccess': {
        const answer = { requester_id: other.id, access: isOn };
        return void (await this.call(me, 'PUT', `/http/chat_groups/access_requests/${groupId}`, answer));
      }
      case 'block':
        if (isOn) this.blocked[who].add(other.id);
        return void (await this.call(me, isOn ? 'PUT' : 'DELETE', `/http/users/${other.id}/block`));
      case 'rename':
        return void (await this.call(me, 'PUT', '/http/users/profile', { first_name: `N${which}` }));
      case 'drop': {
        const slot = which % DEVICES;
        this.devices[who][slot]?.close();
        this.devices[who][slot] = undefined;
        return;
      }
      // Nobody waits for who has logged out: they are offline, and come back as another session.
      case 'logout': {
        await this.call(me, 'GET', '/http/logout');
        this.devices[who].splice(0, DEVICES, undefined, undefined).forEach((one) => one?.close());
        return void (await me.session(this.app));
      }
      case 'connect': {
        const slot = which % DEVICES;
        if (this.devices[who][slot]) return;
        const replica = await Replica.connect(me);
        // Two at once for one place: the later stays.
        this.devices[who].splice(slot, 1, replica)[0]?.close();
        return;
      }
    }
  }

  private async roomOf(me: Person, other: Person): Promise<number | undefined> {
    const { body } = await this.call(me, 'GET', '/http/chat_rooms');
    return body.find((room: { other_user: { id: number } }) => room.other_user.id === other.id)?.id;
  }

  /** Closes everything. No device may have been told what contradicts what it knew, in the second that events may wait either. */
  end(): void {
    for (const device of this.devices.flat()) device?.close();
    assert.deepEqual(
      this.devices.flat().flatMap((device) => device?.faults ?? []),
      [],
    );
  }
}
