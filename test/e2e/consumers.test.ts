// Consumers of the message log: they miss nothing and do nothing twice, whatever fails, ends or dies meanwhile.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Claims } from '../../src/cluster/claims.js';
import { NodeBus } from '../../src/cluster/node-bus.js';
import type { Slice } from '../../src/conversations/consumers/consumer-marks.js';
import { type Consumer, Consumers } from '../../src/conversations/consumers/consumers.js';
import { emptyDatabase, onAllDialects, onServers, TestApp } from '../support/app.js';
import { call, eventually, Person, send } from '../support/client.js';
import { nodeEnvironment } from '../support/nodes.js';
import { RedisServer } from '../support/redis-server.js';

/** Numbers as 1–3, of one chat, in the order in which a consumer was given them. */
const seqs = (slices: readonly Slice[], chat: number): number[] =>
  slices
    .filter(({ conversationId }) => conversationId === chat)
    .flatMap(({ messages }) => messages.map(({ seq }) => seq));

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/** A consumer that remembers what it was given. */
function listener(name: string, more: Partial<Consumer> = {}): Consumer & { slices: Slice[] } {
  const slices: Slice[] = [];
  return {
    name,
    beginsWith: 'all',
    slices,
    consume: (slice) => {
      slices.push(slice);
      return Promise.resolve();
    },
    ...more,
  };
}

/** A table beside Parley's, into which a consumer copies the log. */
const makeCopy = (app: TestApp): Promise<unknown> =>
  app.database.query(
    'CREATE TABLE copied (conversation_id integer NOT NULL, seq integer NOT NULL, body varchar(200) NOT NULL, PRIMARY KEY (conversation_id, seq))',
  );
const copied = (app: TestApp): Promise<object[]> =>
  app.database.query('SELECT conversation_id, seq, body FROM copied ORDER BY conversation_id, seq');
const stored = (app: TestApp): Promise<object[]> =>
  app.database.query('SELECT conversation_id, seq, body FROM messages ORDER BY conversation_id, seq');

/** Copies messages, and what becomes of them. A message that came twice would break the key. */
const copier = (): Consumer => ({
  name: 'copier',
  beginsWith: 'all',
  consume: ({ conversationId, messages, changed }) =>
    Promise.resolve(async (tx) => {
      for (const { seq, body } of messages)
        await tx.query('INSERT INTO copied (conversation_id, seq, body) VALUES (?, ?, ?)', [conversationId, seq, body]);
      for (const { seq, body } of changed)
        await tx.query('UPDATE copied SET body = ? WHERE conversation_id = ? AND seq = ?', [body, conversationId, seq]);
    }),
});

onAllDialects('consumers', (dialect) => {
  let app: TestApp;
  let people: [Person, Person, Person];
  beforeAll(async () => {
    app = await TestApp.start(dialect);
    people = [await Person.join(app, 'Ada'), await Person.join(app, 'Alan'), await Person.join(app, 'Grace')];
    await makeCopy(app);
  });
  afterAll(() => app.stop());

  const say = async (from: Person, to: Person, ...texts: string[]): Promise<number> => {
    const socket = await from.connect();
    let chat = 0;
    for (const message of texts)
      chat = (await send(socket, { chat_type: 'room', other_user_id: to.id, message })).chat_room_id;
    return chat;
  };

  it('are given each message of each chat, in order, and what becomes of it', async () => {
    const [ada, alan, grace] = people;
    const chat = await say(ada, alan, 'one', 'two');
    const consumer = listener('all-of-it');
    app.get(Consumers).add(consumer);
    await expect.poll(() => seqs(consumer.slices, chat)).toEqual([1, 2]);
    const other = await say(grace, ada, 'hello');
    await say(alan, ada, 'three');
    await expect.poll(() => seqs(consumer.slices, chat)).toEqual([1, 2, 3]);
    await expect.poll(() => seqs(consumer.slices, other)).toEqual([1]);
    const path = `/http/chat_rooms/${chat}/messages`;
    await call(app, 'PUT', `${path}/1`, { token: ada.token, body: { message: 'uno' } });
    await call(app, 'DELETE', `${path}/2`, { token: ada.token });
    await call(app, 'PUT', `${path}/3/reactions`, { token: ada.token, body: { emoji: '👍', is_on: true } });
    const states = () => consumer.slices.flatMap(({ changed }) => changed.map(({ seq, body }) => [seq, body]));
    await expect.poll(states).toEqual([
      [1, 'uno'],
      [2, ''],
      [3, 'three'],
    ]);
    // Nothing twice.
    await app.get(Consumers).settled();
    expect(seqs(consumer.slices, chat)).toEqual([1, 2, 3]);
  });

  it('of what is new are not given what was there before them', async () => {
    const [ada, alan, grace] = people;
    const chat = await say(ada, alan, 'of yesterday');
    const consumer = listener('new-alone', { beginsWith: 'new' });
    app.get(Consumers).add(consumer);
    await app.get(Consumers).settled();
    await say(ada, alan, 'of today');
    const fresh = await say(alan, grace, 'first', 'second');
    await expect.poll(() => seqs(consumer.slices, fresh)).toEqual([1, 2]);
    await expect
      .poll(() => consumer.slices.flatMap(({ messages }) => messages.map(({ body }) => body)).sort())
      .toEqual(['of today', 'first', 'second'].sort());
    expect(seqs(consumer.slices, chat)).toHaveLength(1);
  });

  it('do once what they write, whatever fails', async () => {
    const [ada, alan, grace] = people;
    const inner = copier();
    let calls = 0;
    const failing: Consumer = {
      ...inner,
      consume: async (slice, signal) => {
        calls++;
        if (calls % 3 === 1) throw new Error('before anything');
        const write = await inner.consume(slice, signal);
        return async (tx) => {
          await write!(tx);
          if (calls % 3 === 2) throw new Error('in the middle of the transaction');
        };
      },
    };
    app.get(Consumers).add(failing);
    await Promise.all([
      say(ada, alan, ...upTo(30).map((i) => `a${i}`)),
      say(grace, ada, ...upTo(30).map((i) => `b${i}`)),
    ]);
    const chat = await say(ada, alan, 'the end');
    await call(app, 'PUT', `/http/chat_rooms/${chat}/messages/1`, { token: ada.token, body: { message: 'changed' } });
    await expect.poll(async () => copied(app)).toEqual(await stored(app));
    expect(calls).toBeGreaterThan(3);
  });

  it('are set back to any number, and are given the same again; in slices of 200', async () => {
    const [, alan, grace] = people;
    const chat = await say(grace, alan, ...upTo(450).map((i) => `message ${i}`));
    const consumer = listener('rewound');
    app.get(Consumers).add(consumer);
    const ofChat = () => consumer.slices.filter(({ conversationId }) => conversationId === chat);
    const last = (await app.database.query('SELECT last_seq FROM conversations WHERE id = ?', [chat]))[0].last_seq;
    await expect.poll(() => seqs(consumer.slices, chat)).toEqual(upTo(last));
    expect(ofChat().every(({ messages }) => messages.length <= 200)).toBe(true);
    consumer.slices.length = 0;
    await app.get(Consumers).rewind('rewound', chat, { seq: last - 3, change: 0 });
    await expect.poll(() => seqs(consumer.slices, chat)).toEqual([last - 2, last - 1, last]);
    await expect(app.get(Consumers).rewind('nobody', chat, { seq: 0, change: 0 })).rejects.toThrow('no consumer');
  });

  it('that are set back while they work do that again', async () => {
    const [ada, , grace] = people;
    const chat = await say(ada, grace, 'for the slow one');
    let go = (): void => {};
    const slow = listener('slow');
    slow.consume = async (slice) => {
      slow.slices.push(slice);
      if (slice.conversationId === chat && go === NOTHING) await new Promise<void>((resolve) => (go = resolve));
    };
    go = NOTHING;
    app.get(Consumers).add(slow);
    await expect.poll(() => go !== NOTHING).toBe(true);
    await app.get(Consumers).rewind('slow', chat, { seq: 0, change: 0 });
    go();
    const once = seqs(slow.slices, chat).length;
    await expect.poll(() => seqs(slow.slices, chat).length).toBe(2 * once);
  });

  it('find after a start what they have missed, and forget chats that end', async () => {
    const before = listener('restarted');
    app.get(Consumers).add(before);
    await app.get(Consumers).settled();
    app = await app.restart();
    const [ada, alan] = people.map((person) => person.at(app)) as [Person, Person];
    // Nobody follows the log now.
    const chat = await say(ada, alan, 'while nobody looked');
    const { body: group } = await call(app, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Short', is_private: true },
    });
    const socket = await ada.connect();
    await send(socket, { chat_type: 'group', chat_group_id: group.id, message: 'soon gone' });
    const after = listener('restarted');
    app.get(Consumers).add(after);
    await expect
      .poll(() => after.slices.flatMap(({ messages }) => messages.map(({ body }) => body)).sort())
      .toEqual(['soon gone', 'while nobody looked'].sort());
    expect(seqs(after.slices, chat)).toHaveLength(1);
    await call(app, 'DELETE', `/http/chat_groups/${group.id}/members/${ada.id}`, { token: ada.token });
    const marks = () => app.database.query('SELECT name FROM consumer_marks WHERE conversation_id = ?', [group.id]);
    await expect.poll(marks).toEqual([]);
  });

  it('have names of their own, and no others', () => {
    const consumers = app.get(Consumers);
    consumers.add(listener('twice'));
    for (const name of ['twice', '', 'A', 'a b', 'x'.repeat(65)])
      expect(() => consumers.add(listener(name)), name).toThrow('consumer');
  });
});

const NOTHING = (): void => {};

onServers('consumers on many nodes', (kind) => {
  let redis: RedisServer;
  let env: Record<string, string>;
  let drop: () => Promise<void>;
  let apps: TestApp[];
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    const database = await emptyDatabase(kind);
    drop = database.drop;
    env = nodeEnvironment(database.url, redis.url);
    apps = [await TestApp.startIn(env), await TestApp.startIn(env)];
    const hear = () => apps.every((app) => app.get(NodeBus).nodes().length === 1) || undefined;
    await eventually(() => Promise.resolve(hear()), 'the nodes to hear each other');
  });
  afterEach(async () => {
    for (const app of apps) await app.stop();
    await drop();
  });

  it('share the chats, work on each on one node at a time, and do all of it once', async () => {
    const [one, other] = apps as [TestApp, TestApp];
    await makeCopy(one);
    const [ada, alan] = [await Person.known(one, 'Ada'), await Person.known(other, 'Alan')];
    const working = new Set<number>();
    let overlaps = 0;
    const workers = apps.map((app): number[] => {
      const inner = copier();
      const chats: number[] = [];
      app.get(Consumers).add({
        ...inner,
        consume: async (slice, signal) => {
          if (working.has(slice.conversationId)) overlaps++;
          working.add(slice.conversationId);
          chats.push(slice.conversationId);
          const write = await inner.consume(slice, signal);
          return async (tx) => {
            await write!(tx);
            working.delete(slice.conversationId);
          };
        },
      });
      return chats;
    });
    const [from, back] = [await ada.connect(), await alan.connect()];
    await Promise.all(
      upTo(40).flatMap((i) => [
        send(from, { chat_type: 'room', other_user_id: alan.id, message: `there ${i}` }),
        send(back, { chat_type: 'room', other_user_id: ada.id, message: `back ${i}` }),
      ]),
    );
    await expect.poll(() => copied(one)).toEqual(await stored(one));
    expect(overlaps).toBe(0);
    expect(workers.flat().length).toBeGreaterThan(0);
  });

  it('take over what a node has claimed that is dead', async () => {
    const [one, other] = apps as [TestApp, TestApp];
    const [ada, alan] = [await Person.known(one, 'Ada'), await Person.known(one, 'Alan')];
    const socket = await ada.connect();
    const { chat_room_id: chat } = await send(socket, { chat_type: 'room', other_user_id: alan.id, message: 'first' });
    const name = 'taken-over';
    const claim = (by: number) =>
      one.database.query(
        'INSERT INTO consumer_marks (conversation_id, name, seq, change_seq, claimed_by) VALUES (?, ?, 0, 0, ?)',
        [chat, name, by],
      );
    // What lives keeps it.
    await claim(one.get(Claims).claimer);
    const consumer = listener(name);
    other.get(Consumers).add(consumer);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(consumer.slices).toEqual([]);
    // No node that lives has this number.
    await one.database.query('UPDATE consumer_marks SET claimed_by = 424242 WHERE name = ?', [name]);
    await expect.poll(() => seqs(consumer.slices, chat)).toEqual([1]);
  });
});
