import { isDeepStrictEqual } from 'node:util';
import type { Answer, Told, Wire, WirePerson, WireSocket } from './wire.js';

export interface Device extends WireSocket {
  readonly name: string;
  /** Waits for an event that the step before causes, and notes it. */
  hears(event: string, like?: object): Promise<any>;
}

/** What happens to two servers, and is noted: whatever they are asked, their answers, and all that their sockets are told. */
export class Scene {
  /** Each step with its outcome. */
  readonly steps: [step: string, outcome: unknown][] = [];
  private readonly devices: Device[] = [];
  private readonly counts = new Map<string, number>();
  private witness!: WirePerson;

  private constructor(readonly wire: Wire) {}

  static async begin(wire: Wire): Promise<Scene> {
    const scene = new Scene(wire);
    // Whoever is told last of all when everything was told.
    scene.witness = await wire.person('Witness');
    await scene.connect(scene.witness);
    return scene;
  }

  async person(firstName: string): Promise<WirePerson> {
    return this.wire.person(firstName);
  }

  /** Each with a socket. */
  async online(...names: string[]): Promise<[WirePerson, Device][]> {
    const people: WirePerson[] = [];
    for (const name of names) people.push(await this.person(name));
    const all: [WirePerson, Device][] = [];
    for (const person of people) all.push([person, await this.connect(person)]);
    return all;
  }

  async ask(
    who: WirePerson | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const answer = await this.wire.fetch(method, path, {
      token: who?.token,
      ...(body !== undefined && { body }),
      ...(headers && { headers }),
    });
    this.note(`${who?.name ?? 'somebody'} ${method} ${path.replace(/[A-Za-z0-9]{33}/, '<link>')}`, answer);
    return answer;
  }

  get(who: WirePerson, path: string): Promise<Answer> {
    return this.ask(who, 'GET', path);
  }

  async connect(who: WirePerson): Promise<Device> {
    const count = (this.counts.get(who.name) ?? 0) + 1;
    this.counts.set(who.name, count);
    const socket = await this.wire.connect(who.token);
    const name = `${who.name} ${count}`;
    // Of what comes before the others' rows do, on a fast machine and on a slow one, nothing hangs: the scene begins here.
    const device: Device = Object.assign(socket, {
      name,
      hears: async (event: string, like: object = {}) => {
        const found = await this.wire.until(() => find(socket.told, event, like), `${event} to ${name}`);
        // How many share one packet hangs on the seconds.
        this.note(`${name} hears ${event}`, Array.isArray(found) ? found.filter((one) => isLike(one, like)) : found);
        return found;
      },
    });
    this.devices.push(device);
    return device;
  }

  /** A handshake that is refused. */
  async refused(token: string): Promise<void> {
    const outcome = await this.wire.connect(token).then(
      () => 'connected',
      (error: unknown) => error,
    );
    this.note('a handshake', outcome);
  }

  async emit(device: Device, event: string, payload?: unknown): Promise<any> {
    const answer = await device.emit(event, payload);
    this.note(`${device.name} emits ${event}`, answer);
    return answer;
  }

  send(device: Device, payload: unknown): Promise<any> {
    return this.emit(device, 'message', payload);
  }

  toRoom(device: Device, to: WirePerson, message: string, more: object = {}): Promise<any> {
    return this.send(device, { chat_type: 'room', other_user_id: to.id, message, ...more });
  }

  toGroup(device: Device, chat_group_id: number, message: string, more: object = {}): Promise<any> {
    return this.send(device, { chat_type: 'group', chat_group_id, message, ...more });
  }

  enter(device: Device, chat_group_id: number, is_enter = true): Promise<any> {
    return this.send(device, { chat_type: 'group', chat_group_id, is_enter });
  }

  /** The same, and waits for the notice of it: those who come in one second would share one. */
  async enterAlone(device: Device, who: WirePerson, group: number): Promise<void> {
    await this.enter(device, group);
    await device.hears('message', { notice: { kind: 'entered', user_ids: [who.id] } });
  }

  /** Many packets at once, of which nothing is noted but what comes of them. */
  async burst(count: number, one: (i: number) => Promise<unknown>): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, i) => one(i + 1)));
  }

  async group(owner: WirePerson, name: string, is_private = false): Promise<number> {
    return (await this.ask(owner, 'POST', '/http/chat_groups', { chat_group_name: name, is_private })).body.id;
  }

  /** All connections break, and nothing but what is stored is known any more. */
  async restart(): Promise<void> {
    const open = this.devices.filter(isOpen);
    await this.wire.restart();
    await this.wire.until(() => !open.some(isOpen) || undefined, 'the end of all connections');
    await this.connect(this.witness);
  }

  /** Asks until the answer is so: for what happens soon, whenever that is. */
  async sees(who: WirePerson, path: string, isIt: (body: any) => boolean): Promise<void> {
    await this.wire.until(async () => {
      const { body } = await this.wire.fetch('GET', path, { token: who.token });
      return isIt(body) || undefined;
    }, `what ${who.name} sees at ${path}`);
    await this.get(who, path);
  }

  note(step: string, outcome: unknown): void {
    const name = step.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z$/, '<time>').replace(/cursor=.*/, 'cursor=<cursor>');
    this.steps.push([name, masked(outcome)]);
  }

  /** Everything that was noted, once all that is gathered for a second was told. */
  async end(isTimed: boolean): Promise<object> {
    await this.wire.fetch('PUT', '/http/users/profile', { token: this.witness.token, body: { first_name: 'Marker' } });
    const isTold = ({ told }: Device): boolean => find(told, 'user_update', { first_name: 'Marker' }) !== undefined;
    await this.wire.until(() => this.devices.filter(isOpen).every(isTold) || undefined, 'the end of the scene');
    const streams = this.devices
      .filter(({ name }) => !name.startsWith(this.witness.name))
      .map((device) => [device.name, streamsOf(device.told, isTimed)]);
    return { steps: this.steps, sockets: Object.fromEntries(streams) };
  }
}

const isOpen = ({ told }: Device): boolean => !told.some(({ name }) => name === 'closed');

const find = (told: readonly Told[], event: string, like: object): any =>
  told.findLast(({ name, payload }) => name === event && isLike(payload, like))?.payload;

/** Of an object, those fields; of a list, that there are such things in it. */
function isLike(payload: any, like: any): boolean {
  if (Array.isArray(like)) return like.every((one) => payload?.some?.((other: unknown) => isLike(other, one)));
  if (Array.isArray(payload)) return payload.some((one) => isLike(one, like));
  if (typeof like !== 'object' || like === null) return isDeepStrictEqual(payload, like);
  return Object.entries(like).every(([key, value]) => isLike(payload?.[key], value));
}

/**
 * What a socket was told, in two parts. What is told at once stands in its order, acknowledgements among it. What is gathered or told at
 * most once a second stands by what it is about, and the last word counts: a slow machine cuts the seconds elsewhere.
 */
function streamsOf(told: readonly Told[], isTimed: boolean): object {
  const atOnce: Told[] = [];
  const last = new Map<string, unknown>();
  for (const { name, payload } of told) {
    if (name === 'presence') for (const one of payload) last.set(`presence of ${one.user_id}`, one);
    else if (name === 'user_update') last.set(`row of person ${payload.id}`, payload);
    else if (name === 'group_update' && (payload.owner_id || payload.deleted))
      // Also the new owner: to the heir of a group it is told behind the answer.
      last.set(`${'is_in' in payload ? 'owner' : 'row'} of group ${payload.chat_group_id}`, payload);
    else if (name === 'read')
      last.set(`receipt of ${payload.user_id} in ${payload.chat_room_id ?? payload.chat_group_id}`, payload);
    else if (name === 'notification')
      last.set(`${'message' in payload ? 'news' : 'mark'} of group ${payload.chat_group_id}`, payload);
    // How many share a sentence hangs on the seconds: it is compared where a step waits for it.
    else if (name === 'message' && payload.notice) continue;
    else if (name === 'bot_delta')
      last.set(`answer to ${payload.question_seq}`, textWith(last.get(`answer to ${payload.question_seq}`), payload));
    else atOnce.push({ name, payload });
  }
  // The one who tells the end is nobody's business.
  for (const [key, value] of last) if ((value as any).first_name === 'Marker') last.delete(key);
  return { atOnce: masked(atOnce), ...(isTimed && { last: masked(Object.fromEntries(last)) }) };
}

const textWith = (before: unknown, { offset, text }: { offset: number; text: string }): string =>
  ((before as string | undefined) ?? '').slice(0, offset) + text;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Without what no two servers have in common: times, tokens, and how many seconds are left of a window. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === 'string') {
    if (TIME.test(value)) return '<time>';
    // Which of the two it is hangs on whether the messages of a group that ended are deleted yet.
    return value
      .replace('no such chat group', 'no such chat')
      .replace(/Try again in \d+ s/, 'Try again in <some> s')
      .replace(/cursor=[\w-]+/, 'cursor=<cursor>');
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      if (key === 'token') return [key, '<token>'];
      return [key, key === 'retry_after' || key === 'retryAfter' ? '<seconds>' : masked(one)];
    }),
  );
}
