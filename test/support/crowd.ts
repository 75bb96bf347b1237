import { call, type ChatSocket, eventually, open, Person, type Target } from './client.js';
import type { TestApp } from './app.js';
import { back, type Chat, type Ledger } from './ledger.js';

/** A few people with their rooms and one group that all are in, who send as fast as they may. */
export class Crowd {
  sockets = new Map<Person, ChatSocket>();

  private constructor(
    readonly people: Person[],
    readonly group: number,
  ) {}

  /** Makes them in an app that runs. */
  static async gather(app: TestApp, count = 4): Promise<Crowd> {
    const people: Person[] = [];
    for (let i = 0; i < count; i++) people.push(await Person.known(app, `Person${i}`));
    const body = { chat_group_name: 'Crowd' };
    const group: number = (await call(app, 'POST', '/http/chat_groups', { token: people[0].token, body })).body.id;
    const crowd = new Crowd(people, group);
    for (const person of people) await person.get(`/http/chat_groups/${group}`);
    return crowd;
  }

  /** The same people at servers that run now, in turn, each with a stock client's socket, which comes back by itself. */
  async connect(...targets: Target[]): Promise<Crowd> {
    const crowd = new Crowd(
      this.people.map((person, i) => person.at(targets[i % targets.length])),
      this.group,
    );
    for (const person of crowd.people) {
      const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
      crowd.sockets.set(person, open(person.target, { auth: { token: person.token }, ...options }));
    }
    await crowd.back();
    return crowd;
  }

  /** All of them are connected (again). */
  async back(): Promise<void> {
    await Promise.all([...this.sockets.values()].map(back));
  }

  /** Everybody writes to two others and to the group, with many messages in flight. */
  startSending(ledger: Ledger, inFlight?: number): void {
    this.people.forEach((person, i) => {
      const others = [1, 2].map((step): Chat => ({ with: this.people[(i + step) % this.people.length] }));
      ledger.keepSending(this.sockets.get(person)!, person, [...others, { group: this.group }], inFlight);
    });
  }

  hangUp(): void {
    for (const socket of this.sockets.values()) socket.disconnect();
  }
}

/** So many more messages are acknowledged than now. */
export const acknowledgedMore = (ledger: Ledger, count: number, withinMs = 30_000): Promise<true> => {
  const enough = ledger.acknowledged.length + count;
  return eventually(() => ledger.acknowledged.length >= enough || undefined, `${count} acknowledgements`, withinMs);
};
