import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { TestApp } from './app.js';
import { call, eventually, Person } from './client.js';
import { Replica, type Shown } from './replica.js';

const PEOPLE = 4;
const DEVICES = 2;
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
  'repeat',
  'readRoom',
  'readGroup',
  'attend',
  'attend',
  'attendByPage',
  'edit',
  'edit',
  'remove',
  'create',
  'change',
  'add',
  'putOut',
  'giveUp',
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
  private sent = 0;
  /** Whom each has blocked, ever: what these call themselves is not told, nor to who is no member what their groups are called. */
  private readonly blocked = Array.from({ length: PEOPLE }, () => new Set<number>());

  private constructor(
    private readonly app: TestApp,
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
    const message = `message ${++this.sent}`;
    const message_of = isOn ? await this.roomOf(me, other) : groupId;
    const place = `/http/${isOn ? 'chat_rooms' : 'chat_groups'}/${message_of}/messages/${1 + (which % 12)}`;
    switch (kind) {
      case 'sendRoom':
        return say({ chat_type: 'room', other_user_id: other.id, message });
      case 'repeat': {
        const payload = { chat_type: 'room', other_user_id: other.id, message: 'again', client_id: `c${which % 3}` };
        return void (await Promise.all([say(payload), say(payload)]));
      }
      case 'sendGroup':
        return say({ chat_type: 'group', chat_group_id: groupId, message });
      case 'readRoom':
        return event('read', { chat_room_id: (await this.roomOf(me, other)) ?? 1, ...(isOn && { seq: 1 + which }) });
      case 'readGroup':
        return void (await this.call(me, 'PUT', '/http/notifications', { chat_group_id: groupId }));
      case 'attend':
        return say({ chat_type: 'group', chat_group_id: groupId, is_enter: isOn });
      case 'attendByPage':
        return void (await this.call(me, 'GET', group));
      case 'edit':
        return void (await this.call(me, 'PUT', place, { message }));
      case 'remove':
        return void (await this.call(me, 'DELETE', place));
      case 'create':
        return this.groups.length < 6 ? this.create(me, isOn) : undefined;
      case 'change':
        return void (await this.call(me, 'PUT', group, isOn ? { chat_group_name: message } : { owner_id: other.id }));
      case 'add':
        return void (await this.call(me, 'POST', `${group}/members`, { user_id: other.id }));
      case 'putOut':
        return void (await this.call(me, 'DELETE', `${group}/members/${other.id}`));
      case 'giveUp':
        return void (await this.call(me, 'DELETE', `${group}/members/${me.id}`));
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

  /** What one is told of their chats is what the stored rows say, counted here anew. */
  async assertCounts(): Promise<void> {
    // Who went a moment ago is about to be taken out.
    let failure: unknown;
    await eventually(
      () =>
        this.count().then(
          () => true,
          (error: unknown) => void (failure = error),
        ),
      'the counts',
      2_000,
    ).catch(() => Promise.reject(failure as Error));
  }

  private async count(): Promise<void> {
    const query = (sql: string, values: unknown[] = []): Promise<any[]> =>
      this.app.database.query(sql, values as never);
    for (const person of this.people) {
      const isConnected = this.devices[this.people.indexOf(person)].some((device) => device !== undefined);
      const mine = await query('SELECT conversation_id AS id, last_read_seq, is_in FROM members WHERE user_id = ?', [
        person.id,
      ]);
      const expected = new Map<number, { last_seq: number; last_read_seq: number; unread_count: number }>();
      for (const { id, last_read_seq, is_in } of mine) {
        const seqs = (await query('SELECT seq FROM messages WHERE conversation_id = ? ORDER BY seq', [id])).map(
          ({ seq }) => seq as number,
        );
        assert.deepEqual(
          seqs,
          seqs.map((_, i) => i + 1),
        );
        const mark = is_in && isConnected ? seqs.length : last_read_seq;
        const unread_count = seqs.filter((seq) => seq > mark).length;
        expected.set(id, { last_seq: seqs.length, last_read_seq: mark, unread_count });
      }
      const lists = await Promise.all(
        ['chat_rooms', 'chat_groups', 'notifications'].map((list) => this.call(person, 'GET', `/http/${list}`)),
      );
      const [rooms, groups, notifications] = lists.map(({ body }) => body as Record<string, any>[]);
      const listed = [...rooms, ...groups.filter((row) => row['is_member'])].map((row) => row['id'] as number);
      assert.deepEqual(new Set(listed), new Set(expected.keys()));
      const withMessages = [...expected].filter(([, { last_seq }]) => last_seq > 0).map(([id]) => id);
      const notified = notifications.map((row) => (row['chat_room_id'] ?? row['chat_group_id']) as number);
      assert.deepEqual(new Set(notified), new Set(withMessages));
      for (const { body } of lists)
        for (const row of body) {
          const id = row.id ?? row.chat_room_id ?? row.chat_group_id;
          const { last_seq, last_read_seq, unread_count } = row;
          const counts = expected.get(id);
          if (counts) assert.deepEqual({ last_seq, last_read_seq, unread_count }, counts);
          else assert.deepEqual([row.is_member, unread_count], [false, 0]);
        }
      for (const { id, member_count } of lists[1].body) {
        if (member_count === null) continue;
        const [{ count }] = await query('SELECT COUNT(*) AS count FROM members WHERE conversation_id = ?', [id]);
        assert.equal(member_count, Number(count));
      }
    }
  }

  /** Each device shows, soon, what a new one is told. */
  async assertShown(): Promise<void> {
    for (const [i, person] of this.people.entries()) {
      for (const device of this.devices[i]) {
        if (!device) continue;
        let [shown, fresh]: [Shown?, Shown?] = [];
        await eventually(
          async () => {
            [shown, fresh] = [await device.shown(), await (await Replica.fresh(person)).shown()];
            const isUntold = ({ is_member, owner_id }: { is_member: boolean; owner_id: number }) =>
              !is_member && this.blocked[i].has(owner_id);
            const untold = new Set(fresh.groups.filter(isUntold).map(({ id }) => id));
            for (const one of [shown, fresh]) {
              one.groups = one.groups.filter(({ id }) => !untold.has(id));
              one.users = one.users.map((user) =>
                this.blocked[i].has(user.id) ? { ...user, first_name: '', last_name: '' } : user,
              );
            }
            return isDeepStrictEqual(shown, fresh) || undefined;
          },
          'the same picture',
          6_000,
        ).catch(() => assert.deepEqual(shown, fresh));
      }
    }
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
