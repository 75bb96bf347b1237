// Two nodes of one community: what happens on one is seen on the other, and once.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type {
  GroupMessage,
  GroupNotification,
  GroupUpdate,
  ReadReceipt,
  RoomMessage,
} from '../../src/sockets/events.js';
import { call, type ChatSocket, eventually, next, open, Person, record, send, sendTo } from '../support/client.js';
import { onNodesOverEachRedis, TestCommunity } from '../support/community.js';
import { startRedis } from '../support/redis-kinds.js';
import type { TestApp } from '../support/app.js';
import { makeGroup } from '../support/groups.js';

onNodesOverEachRedis('what happens on another node', (kind, redis) => {
  let nodes: TestCommunity;
  let [one, two]: TestApp[] = [];
  let ada: Person;
  let bob: Person;
  let group: number;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2, {}, startRedis(redis));
    [one, two] = nodes.nodes;
  });
  afterAll(() => nodes?.stop());
  beforeEach(async () => {
    ada = await Person.known(one, 'Ada');
    bob = (await Person.known(one, 'Bob')).at(two);
    group = await makeGroup(ada);
  });
  afterEach(async () => {
    for (const person of [ada, bob]) person.hangUp();
    await nodes.redis.mend();
    await nodes.hearEachOther();
  });

  const attend = async (socket: ChatSocket, isEnter: boolean): Promise<void> => {
    expect(await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: isEnter })).toMatchObject({
      ok: true,
      is_in: isEnter,
    });
  };
  const say = (socket: ChatSocket, message: string) =>
    send(socket, { chat_type: 'group', chat_group_id: group, message });
  /** A socket for each, both in the group. */
  const bothIn = async (): Promise<[ChatSocket, ChatSocket]> => {
    const sockets: [ChatSocket, ChatSocket] = [await ada.connect(), await bob.connect()];
    for (const socket of sockets) await attend(socket, true);
    return sockets;
  };

  const removeBob = async (): Promise<void> => {
    const { status } = await call(one, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: ada.token });
    expect(status).toBeLessThan(300);
  };

  it('a direct message reaches all sockets of both, each once', async () => {
    const sockets = [
      await ada.connect(),
      await ada.at(two).connect(),
      await bob.connect(),
      await bob.at(one).connect(),
    ];
    const got = sockets.map((socket) => record<RoomMessage>(socket, 'message'));
    for (let i = 0; i < 20; i++) expect(await sendTo(sockets[i % 2], bob.id, `No. ${i}`)).toMatchObject({ ok: true });
    for (const messages of got) {
      await expect.poll(() => messages.length).toBe(20);
      expect(messages.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }
    await sleep(200);
    expect(got.map(({ length }) => length)).toEqual([20, 20, 20, 20]);
  });

  it('messages of a group reach those who are in, and none is missed from the answer to entering on', async () => {
    const [a, b] = [await ada.connect(), await bob.connect()];
    await attend(a, true);
    let isStopped = false;
    const sending = (async () => {
      let last = 0;
      while (!isStopped) last = (await say(a, 'x')).seq;
      return last;
    })();
    const got = record<GroupMessage>(b, 'message', ({ seq }) => seq !== undefined);
    for (let round = 0; round < 5; round++) {
      await attend(b, true);
      const { body } = await call(two, 'GET', `/http/chat_groups/${group}?limit=1`, { token: bob.token });
      const from = body.at(-1).seq as number;
      got.length = 0;
      await expect.poll(() => got.length).toBeGreaterThan(5);
      const seqs = got.map(({ seq }) => seq);
      // What was stored while the page was on its way may come before it.
      expect(seqs[0]).toBeLessThanOrEqual(from + 1 + seqs.length);
      expect(seqs).toEqual(seqs.map((_, i) => seqs[0] + i));
      await attend(b, false);
    }
    isStopped = true;
    await sending;
  });

  it('those outside are notified, at most once a second by all nodes together, and at last of the newest', async () => {
    const [a, b] = await bothIn();
    const cyd = (await Person.known(one, 'Cyd')).at(two);
    const c = await cyd.connect();
    await attend(c, true);
    await attend(c, false);
    const got = record<GroupNotification>(c, 'notification', ({ last_seq, user_id }) => last_seq > 0 && user_id > 0);
    const began = performance.now();
    let last = 0;
    while (performance.now() - began < 3_000)
      for (const socket of [a, b]) last = Math.max(last, ((await say(socket, 'x')) as { seq: number }).seq);
    await expect.poll(() => got.at(-1)?.last_seq).toBe(last);
    const seconds = (performance.now() - began) / 1_000;
    expect(got.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    cyd.hangUp();
  });

  it('who enters by another node is placed on all, with their sockets', async () => {
    const [a, b] = [await ada.connect(), await bob.connect()];
    await attend(a, true);
    const place = next<GroupUpdate>(b, 'group_update', ({ is_in }) => is_in);
    // Bob has no socket there.
    await call(one, 'GET', `/http/chat_groups/${group}`, { token: bob.token });
    await place;
    const got = record<GroupMessage>(b, 'message', ({ seq }) => seq !== undefined);
    await eventually(async () => {
      await say(a, 'hello');
      return got.length > 0 || undefined;
    });
    expect(got[0]).toMatchObject({ chat_group_id: group, user_id: ada.id, message: 'hello' });
  });

  it('who is given a group, or leaves it to another, hears whether they are in, wherever their sockets are', async () => {
    const [a, b] = await bothIn();
    const given = [a, b].map((socket) => next<GroupUpdate>(socket, 'group_update', ({ is_in }) => is_in !== undefined));
    await call(one, 'PUT', `/http/chat_groups/${group}`, { token: ada.token, body: { owner_id: bob.id } });
    for (const update of given) expect(await update).toEqual({ chat_group_id: group, is_in: true, owner_id: bob.id });
    const inherited = next<GroupUpdate>(a, 'group_update', ({ is_in }) => is_in !== undefined);
    await call(two, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token });
    expect(await inherited).toEqual({ chat_group_id: group, is_in: true, owner_id: ada.id });
  });

  it('what nobody can read, published by something else, is passed over', async () => {
    const [a, b] = await bothIn();
    // In an order of our own: Redis turns its list a little with each look after its clients.
    const connections = async (): Promise<string[]> =>
      (await nodes.redis.askAll<string>(['CLIENT', 'LIST']))
        .flatMap((list, i) => list.match(/^id=\d+(?=.* resp=3)/gm)?.map((id) => `${i} ${id}`) ?? [])
        .sort();
    const before = await connections();
    expect(before.length).toBeGreaterThanOrEqual(2);
    const texts = [
      '',
      '{',
      'null',
      '5',
      '{}',
      '[]',
      '[{},1,"hello",null]',
      '[5,0,"done",null]',
      '[5,0,"no such",{},1]',
    ];
    texts.push('[5,0,7,null,0,["message"]]', '[5,0,["group"],null,0,null]', '[5,0,"event:membershipsErased",{},1]');
    for (const channel of (await nodes.redis.askAll<string[]>(['PUBSUB', 'SHARDCHANNELS'])).flat())
      await nodes.redis.askOf(channel, ...texts.map((text) => ['SPUBLISH', channel, text]));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const got = next<GroupMessage>(to, 'message', ({ message }) => message === 'hello');
      await say(from, 'hello');
      await got;
    }
    expect(await connections()).toEqual(before);
  });

  it('what waits on a node that stops, for people on others, is not lost', async () => {
    const third = await nodes.add();
    const [a, b] = [await ada.connect(), await bob.connect()];
    const groups: number[] = [];
    // A third of them is gathered there.
    for (let i = 0; i < 12; i++) {
      const id = await makeGroup(ada);
      for (const is_enter of [true, false]) await send(b, { chat_type: 'group', chat_group_id: id, is_enter });
      groups.push(id);
    }
    const rows = record<{ chat_group_id: number; name?: string }>(b, 'group_update', (row) => 'name' in row);
    const told = record<GroupNotification>(b, 'notification', ({ last_seq }) => last_seq === 2);
    for (const id of groups) {
      await call(one, 'PUT', `/http/chat_groups/${id}`, { token: ada.token, body: { chat_group_name: 'New' } });
      for (const message of ['1', '2']) await send(a, { chat_type: 'group', chat_group_id: id, message });
    }
    nodes.nodes.pop();
    await third.app.close();
    const idsOf = (got: { chat_group_id: number }[]) =>
      [...new Set(got.map(({ chat_group_id }) => chat_group_id))].sort((x, y) => x - y);
    await expect.poll(() => idsOf(told)).toEqual(groups);
    await expect.poll(() => idsOf(rows.filter(({ name }) => name === 'New'))).toEqual(groups);
  });

  it('a member who is removed gets nothing from the answer on, on any node', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = await bothIn();
      const got = record(b, 'message');
      await removeBob();
      got.length = 0;
      await say(a, 'secret');
      await sleep(50);
      expect(got).toEqual([]);
      await call(one, 'POST', `/http/chat_groups/${group}/members`, { token: ada.token, body: { user_id: bob.id } });
      for (const person of [ada, bob]) person.hangUp();
    }
  });

  it('a session that ends has no socket from the answer on, on any node', async () => {
    for (let round = 0; round < 10; round++) {
      const token = await ada.session(one);
      const [other, a] = [await ada.at(two).connect(token), await bob.at(one).connect()];
      const got = record(other, 'message');
      const closed = next(other, 'disconnect');
      expect((await call(one, 'POST', '/http/logout', { token })).status).toBeLessThan(300);
      await sendTo(a, ada.id, 'secret');
      await closed;
      expect(got).toEqual([]);
      bob.hangUp();
    }
  });

  it('a receipt reaches the other, and not more often than once a second by all nodes together', async () => {
    const [a, b] = [await ada.connect(), await bob.connect()];
    for (let i = 0; i < 60; i++) await sendTo(a, bob.id, 'x');
    const got = record<ReadReceipt>(a, 'read', ({ user_id }) => user_id === bob.id);
    const room = (await bob.get('/http/chat_rooms')).body[0].id as number;
    const began = performance.now();
    for (let seq = 1; seq <= 60; seq++) {
      await bob.at(seq % 2 ? one : two).put('/http/notifications', { chat_room_id: room, seq });
      await sleep(30);
    }
    await expect.poll(() => got.at(-1)?.seq).toBe(60);
    expect(got.length).toBeLessThanOrEqual(Math.ceil((performance.now() - began) / 1_000) + 1);
    expect(got.map(({ seq }) => seq)).toEqual(got.map(({ seq }) => seq).sort((x, y) => x - y));
    expect(b.connected).toBe(true);
  });

  it('without Redis each node goes on for its own people, and afterwards for all', async () => {
    const [a, b] = await bothIn();
    const besideAda = (await Person.known(one, 'Eve')).at(one);
    const e = await besideAda.connect();
    await attend(e, true);
    nodes.redis.freeze();
    const got = { e: record<GroupMessage>(e, 'message'), b: record<GroupMessage>(b, 'message') };
    // Before it is noticed, while it is, and after.
    for (let i = 0; i < 30; i++) {
      expect(await say(a, `No. ${i}`)).toMatchObject({ ok: true });
      await sleep(100);
    }
    await expect.poll(() => got.e.filter(({ seq }) => seq).length).toBe(30);
    await nodes.hearNothing();
    await attend(b, false);
    await attend(b, true);
    nodes.redis.thaw();
    await nodes.hearEachOther();
    got.b.length = 0;
    await eventually(async () => {
      await say(a, 'after');
      return got.b.some(({ message }) => message === 'after') || undefined;
    });
    besideAda.hangUp();
  });

  it('while Redis is away, a session that ends, and a member who is removed, receive nothing after five seconds', async () => {
    const [a, b] = await bothIn();
    const token = await ada.session(one);
    const mine = await ada.at(two).connect(token);
    const closed = next(mine, 'disconnect');
    await nodes.redis.kill();
    await nodes.hearNothing();
    await removeBob();
    expect((await call(one, 'POST', '/http/logout', { token })).status).toBeLessThan(300);
    await closed;
    // Sending has ended at once, whatever this node knows.
    expect(await say(b, 'x')).toMatchObject({ ok: false });
    await nodes.redis.run();
    await nodes.hearEachOther();
    await sleep(500);
    const got = record(b, 'message');
    await say(a, 'secret');
    await sleep(200);
    expect(got).toEqual([]);
  });

  it('a socket that connects while Redis is away is served', async () => {
    await nodes.redis.kill();
    await nodes.hearNothing();
    const socket = open(two, { auth: { token: bob.token } });
    await next(socket, 'connect');
    const a = await ada.connect();
    expect(await sendTo(a, bob.id, 'x')).toMatchObject({ ok: true });
    const got = record<RoomMessage>(socket, 'message');
    await nodes.redis.run();
    await nodes.hearEachOther();
    await eventually(async () => {
      await sendTo(a, bob.id, 'y');
      return got.length > 0 || undefined;
    });
    socket.disconnect();
  });
});
