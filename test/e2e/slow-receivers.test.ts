// A client that does not read: it costs the others nothing and the server little, and catches up when it is back.
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Presence } from '../../src/sockets/presence.js';
import type { GroupMessage, GroupNotice } from '../../src/sockets/events.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { SlowReceivers } from '../../src/sockets/slow-receivers.js';
import { TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, open, Person, send } from '../support/client.js';
import { wholeHistory } from '../support/ledger.js';
import { Reader } from '../support/reader.js';

/** The client's end of the WebSocket. */
const webSocketOf = (socket: ChatSocket) =>
  (socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void; close(): void } }).ws;

describe('a socket that does not read', () => {
  let app: TestApp;
  let publisher: Publisher;
  let slowReceivers: SlowReceivers;
  let ada: Person;
  let bob: Person;
  let group: number;
  const sockets: ChatSocket[] = [];

  beforeEach(async () => {
    app = await TestApp.start('sqlite');
    [publisher, slowReceivers] = [app.get(Publisher), app.get(SlowReceivers)];
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    const { body } = await call(app, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Busy' },
    });
    group = body.id;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.disconnect();
    await app.stop();
  });

  /** A stock client, on its own device, in the group: it begins by polling and upgrades, and comes back by itself. */
  const enter = async (person: Person, options: { transports?: string[] } = {}): Promise<ChatSocket> => {
    const socket = open(app, { auth: { token: person.token }, reconnection: true, reconnectionDelay: 50, ...options });
    sockets.push(socket);
    const isIn = next(socket, 'connect').then(() =>
      send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true }),
    );
    expect(await isIn).toMatchObject({ ok: true });
    return socket;
  };
  const upgraded = async (person: Person): Promise<ChatSocket> => {
    const socket = await enter(person, { transports: ['polling', 'websocket'] });
    await eventually(() => socket.io.engine.transport.name === 'websocket' || undefined, 'the upgrade');
    return socket;
  };
  /** The server's end of it. */
  const serverEnd = (socket: ChatSocket): any =>
    (publisher as unknown as { server: any }).server.sockets.sockets.get(socket.id);
  const waiting = (end: any): number => end.conn.writeBuffer.length;
  const message = (seq: number, text: string): GroupMessage => ({
    chat_type: 'group',
    user_id: ada.id,
    chat_group_id: group,
    seq,
    message: text,
    timestamp: new Date().toISOString(),
  });
  const notice = (text: string): GroupNotice => ({
    chat_type: 'group',
    chat_group_id: group,
    message: text,
    notice: { kind: 'entered', user_ids: [ada.id], count: 1 },
  });

  it('in a busy group is dropped, catches up when it is back, and holds up none of thirty others', async () => {
    const others = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const person = await Person.known(app, `Reader${i}`);
        return { person, socket: await enter(person, { transports: ['websocket'] }) };
      }),
    );
    const heard = others.map(({ socket }) => {
      const seqs: number[] = [];
      socket.on('message', (event) => void ('seq' in event && seqs.push(event.seq)));
      return seqs;
    });
    const lost: string[] = [];
    for (const { socket } of others) socket.on('disconnect', (reason) => lost.push(reason));

    const socket = await upgraded(bob);
    const reader = new Reader(socket, bob, group, true);
    const end = serverEnd(socket);
    webSocketOf(socket).pause();
    let mostWaiting = 0;
    let sent = 0;
    while (slowReceivers.dropped === 0) {
      const some = Array.from({ length: 20 }, () =>
        send(others[sent % 30].socket, {
          chat_type: 'group',
          chat_group_id: group,
          message: `${++sent} `.padEnd(4000, 'x'),
        }),
      );
      for (const { ok } of await Promise.all(some)) expect(ok).toBe(true);
      mostWaiting = Math.max(mostWaiting, waiting(end));
    }
    expect(slowReceivers.dropped).toBe(1);
    expect(mostWaiting).toBeLessThan(1_600);
    await eventually(() => end.disconnected || undefined, 'the end of the socket');
    expect(waiting(end)).toBe(0);

    const range = Array.from({ length: sent }, (_, i) => i + 1);
    for (const seqs of heard) {
      await eventually(() => seqs.length === sent || undefined, 'every message');
      expect(seqs).toEqual(range);
    }
    expect(lost).toEqual([]);

    const back = next(socket, 'connect');
    webSocketOf(socket).resume();
    await back;
    await eventually(() => reader.seqs.length === sent || undefined, 'what it missed');
    await reader.check(await wholeHistory([bob], group, true));
    await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true });
    await send(others[0].socket, { chat_type: 'group', chat_group_id: group, message: 'as before' });
    await eventually(() => reader.seqs.length === sent + 1 || undefined, 'the next message');
  });

  it('is dropped before thousands of packets wait, also where they come within a moment', async () => {
    const socket = await upgraded(bob);
    const end = serverEnd(socket);
    webSocketOf(socket).pause();
    let mostWaiting = 0;
    for (let seq = 1; slowReceivers.dropped === 0; seq++) {
      publisher.groupMessage(message(seq, 'x'.repeat(500)));
      if (seq % 50 !== 0) continue;
      await turn();
      mostWaiting = Math.max(mostWaiting, waiting(end));
    }
    // The limit, what may come between two looks, and one turn more.
    expect(mostWaiting).toBeGreaterThan(900);
    expect(mostWaiting).toBeLessThanOrEqual(1_000 + 500 + 50);
  });

  it('that says goodbye and reads nothing more costs no more than another one', async () => {
    const socket = await upgraded(bob);
    const end = serverEnd(socket);
    // Its backlog first, so that the server's own goodbye stands behind it.
    webSocketOf(socket).pause();
    let seq = 0;
    while (waiting(end) < 300) {
      for (let i = 0; i < 20; i++) publisher.groupMessage(message(++seq, 'x'.repeat(500)));
      await turn();
    }
    webSocketOf(socket).close();
    const { transport } = end.conn as { transport: { socket: { readyState: number } } };
    await eventually(() => transport.socket.readyState === 2 || undefined, 'the goodbye');
    let mostWaiting = 0;
    for (let i = 0; i < 5_000 && !end.disconnected; i++) {
      publisher.groupMessage(message(++seq, 'x'.repeat(500)));
      if (i % 50 !== 0) continue;
      await turn();
      mostWaiting = Math.max(mostWaiting, waiting(end));
    }
    expect(end.disconnected).toBe(true);
    expect(mostWaiting).toBeLessThanOrEqual(1_000 + 500 + 50);
  });

  it('loses what does not last before it loses its connection, and nothing else', async () => {
    const [slow, quick] = [await upgraded(bob), await upgraded(ada)];
    const texts = new Map([slow, quick].map((socket) => [socket, [] as string[]]));
    for (const [socket, heard] of texts) {
      // Those of the two who came in a moment ago are not the question.
      socket.on(
        'message',
        (event) => void ('notice' in event && event.message.startsWith('of ') && heard.push(event.message)),
      );
    }
    const seqs: number[] = [];
    slow.on('message', (event) => void ('seq' in event && seqs.push(event.seq)));
    const end = serverEnd(slow);
    webSocketOf(slow).pause();
    let seq = 0;
    while (waiting(end) < 300) {
      for (let i = 0; i < 20; i++) publisher.groupMessage(message(++seq, 'x'.repeat(500)));
      await turn();
    }
    await eventually(() => end.rooms.has('behind') || undefined, 'the next look');
    publisher.groupNotice(notice('of no use later'));
    await eventually(() => texts.get(quick)!.length === 1 || undefined, 'the notice');
    webSocketOf(slow).resume();
    await eventually(() => !end.rooms.has('behind') || undefined, 'the look after that');
    publisher.groupNotice(notice('of use again'));
    await eventually(() => texts.get(slow)!.length > 0 || undefined, 'the second notice');
    expect(texts.get(slow)).toEqual(['of use again']);
    expect(seqs).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
    expect(slowReceivers.dropped).toBe(0);
  });

  it('and one that polls no more is dropped, too', async () => {
    const url = `${app.url}/socket/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { sid: string };
    await fetch(`${url}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token: bob.token })}` });
    await eventually(() => app.get(Presence).isConnected(bob.id) || undefined, 'the socket');
    for (let i = 0; slowReceivers.dropped === 0; i++) {
      publisher.groupUpdate(bob.id, { chat_group_id: group, is_in: true });
      if (i % 50 === 0) await turn();
    }
    await eventually(() => !app.get(Presence).isConnected(bob.id) || undefined, 'its end');
    expect((await fetch(`${url}&sid=${sid}`)).status).toBe(400);
  });

  it('and sends rubbish is dropped for the answers that it leaves', async () => {
    const socket = await upgraded(bob);
    const gone = new Promise((resolve) => void serverEnd(socket).once('disconnect', resolve));
    webSocketOf(socket).pause();
    const rubbish = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`no_such_field_${i}`, 1]));
    for (let i = 1; slowReceivers.dropped === 0; i++) {
      socket.emit('message', { chat_type: 'room', ...rubbish } as object);
      if (i % 50 === 0) await turn();
    }
    expect(await gone).toMatch(/^transport (close|error)$/);
  });
});
