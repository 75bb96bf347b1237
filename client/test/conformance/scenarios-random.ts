import { seeded } from '../../src/testing/index.js';
import type { Scenario } from './scenarios.js';
import type { Device, Scene } from './scene.js';
import type { WirePerson } from './wire.js';

const NAMES = ['Ada', 'Alan', 'Cyd', 'Eve'];
const STEPS = 180;

/** Four people with a socket each, and whatever they may do. */
class World {
  private readonly groups: number[] = [];
  private said = 0;

  constructor(
    private readonly scene: Scene,
    private readonly people: readonly [WirePerson, Device][],
    private readonly draw: () => number,
  ) {}

  async step(): Promise<void> {
    const { scene } = this;
    const [me, device] = this.one(this.people);
    const [other] = this.one(this.people);
    const group = this.one(this.groups) ?? 1;
    const at = `/http/chat_groups/${group}`;
    const message = `message ${++this.said}`;
    const place = `/http/${this.one(['chat_rooms', 'chat_groups'])}/${this.below(9)}/messages/${this.below(12)}`;
    const actions = [
      () => scene.toRoom(device, other, message),
      () => scene.toRoom(device, other, message),
      () => scene.toRoom(device, other, this.one(['one', 'two']), { client_id: `c${this.below(2)}` }),
      () => scene.toGroup(device, group, message),
      () => scene.toGroup(device, group, message),
      () => scene.toGroup(device, group, this.one(['one', 'two']), { client_id: `c${this.below(2)}` }),
      () => scene.toRoom(device, other, message, { reply_to: this.below(6) }),
      () =>
        scene.toGroup(device, group, message, {
          mentions: { user_ids: [other.id, 999], everyone: this.draw() < 0.3 },
          ...this.maybe({ reply_to: this.below(9), is_silent: this.draw() < 0.5 }),
        }),
      () =>
        scene.ask(me, 'PUT', `${place}/reactions`, { emoji: this.one(['👍', '🎉', '❤']), is_on: this.draw() < 0.7 }),
      () => scene.ask(me, 'PUT', `${place}/reactions`, { emoji: '👍', is_on: true }),
      () => scene.ask(me, 'PUT', place, { message: 'edited', mentions: this.one([{}, { user_ids: [other.id] }]) }),
      () =>
        scene.ask(me, 'PUT', '/http/chat_settings', {
          chat_group_id: group,
          notify: this.one(['all', 'mentions', 'none']),
          ...this.maybe({ is_favourite: this.draw() < 0.5 }),
        }),
      () => scene.get(me, '/http/mentions'),
      () => scene.enter(device, group, this.draw() < 0.6),
      () => scene.get(me, at),
      () => scene.emit(device, 'read', { chat_room_id: this.below(9), ...this.maybe({ seq: this.below(9) }) }),
      () =>
        scene.ask(me, 'PUT', '/http/notifications', { chat_group_id: group, ...this.maybe({ seq: this.below(9) }) }),
      () => scene.ask(me, 'PUT', place, { message: this.one(['edited', message]) }),
      () => scene.ask(me, 'PUT', place, { message }),
      () => scene.ask(me, 'DELETE', place),
      () => this.make(me),
      () => scene.ask(me, 'PUT', at, this.one([{ chat_group_name: message }, { owner_id: other.id }])),
      () => scene.ask(me, 'POST', `${at}/members`, { user_id: other.id }),
      () => scene.ask(me, 'DELETE', `${at}/members/${other.id}`),
      () => scene.ask(me, 'DELETE', `${at}/members/${me.id}`),
      () => scene.ask(me, 'POST', `/http/chat_groups/access_requests/${group}`),
      () =>
        scene.ask(me, 'PUT', `/http/chat_groups/access_requests/${group}`, {
          requester_id: other.id,
          access: this.draw() < 0.5,
        }),
      () => scene.get(me, `/http/chat_groups/access_requests/${group}`),
      () => scene.ask(me, this.one(['PUT', 'DELETE', 'DELETE']), `/http/users/${other.id}/block`),
      () => scene.ask(me, 'PUT', '/http/users/profile', { first_name: this.one(['Grace', 'Linus', me.name]) }),
      () =>
        scene.get(me, `/http/${this.one(['users', 'users/blocked', 'chat_rooms', 'chat_groups', 'notifications'])}`),
      () => scene.get(me, `/http/users/group/${group}`),
      () =>
        scene.get(
          me,
          `/http/chat_rooms/${this.below(9)}?${this.one(['', 'before=5&limit=3', 'after=2', 'changes_after=1'])}`,
        ),
      () => scene.get(me, `${at}?${this.one(['before=5&limit=3', 'after=2', 'changes_after=1'])}`),
    ];
    await this.one(actions)();
    // Times differ, as they do between two things that people do.
    await scene.wire.moment();
  }

  async end(): Promise<void> {
    for (const [person] of this.people) {
      for (const list of [
        'users',
        'users/blocked',
        'chat_rooms',
        'chat_groups',
        'notifications',
        'mentions',
        'sessions',
      ])
        await this.scene.get(person, `/http/${list}`);
      for (const group of this.groups) await this.scene.get(person, `/http/chat_groups/${group}?after=0`);
    }
  }

  async make(person: WirePerson): Promise<void> {
    if (this.groups.length < 5)
      this.groups.push(await this.scene.group(person, `G${this.groups.length}`, this.groups.length % 2 === 1));
  }

  private one<T>(list: readonly T[]): T {
    return list[Math.floor(this.draw() * list.length)];
  }

  private below(most: number): number {
    return 1 + Math.floor(this.draw() * most);
  }

  private maybe(fields: object): object {
    return this.draw() < 0.5 ? fields : {};
  }
}

/** What nobody thought of: anything at all, in any order. */
export const RANDOM: readonly Scenario[] = [11, 12, 13, 14].map((seed) => ({
  name: `whatever four people may do, by the seed ${seed}`,
  // What is gathered for a second hangs on how many of these things fit into one.
  isTimed: false,
  play: async (scene) => {
    const people = await scene.online(...NAMES);
    const world = new World(scene, people, seeded(seed));
    for (const [person] of people.slice(0, 2)) await world.make(person);
    for (const [, device] of people) await scene.enter(device, 1);
    for (let i = 0; i < STEPS; i++) await world.step();
    await world.end();
  },
}));
