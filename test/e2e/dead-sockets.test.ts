// A session whose places are all taken by sockets that nobody uses any more, and one whose places are all in use.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_SOCKETS_PER_SESSION } from '../../src/identity/socket-sessions.js';
import { TestApp } from '../support/app.js';
import { call, eventually, next, open, Person, send } from '../support/client.js';

const PATH = '/socket/?EIO=4&transport=';

describe('a session with as many sockets as it may have', () => {
  let app: TestApp;
  let ada: Person;
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
  });
  beforeEach(async () => {
    ada = await Person.known(app);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    ada.hangUp();
  });
  afterAll(() => app.stop());

  /** Joins, and answers pings or never says anything more, as a line that leads nowhere does. */
  const webSocket = async (isAlive: boolean) => {
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}${PATH}websocket`);
    sockets.push(socket);
    const state = { pings: 0, socket, closed: new Promise((resolve) => socket.on('close', resolve)) };
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (data: Buffer) => {
        const text = data.toString();
        if (text.startsWith('0')) socket.send(`40${JSON.stringify({ token: ada.token })}`);
        else if (text.startsWith('40')) resolve();
        else if (text.startsWith('44')) reject(new Error(text));
        else if (text === '2') {
          state.pings++;
          if (isAlive) socket.send('3');
        }
      });
    });
    return state;
  };
  /** The same by polling; nobody asks for what it is told. */
  const frozenPolling = async (): Promise<string> => {
    const { body } = await call(app, 'GET', `${PATH}polling`);
    const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
    const path = `${PATH}polling&sid=${sid}`;
    await fetch(app.url + path, { method: 'POST', body: `40${JSON.stringify({ token: ada.token })}` });
    expect(await (await fetch(app.url + path)).text()).toMatch(/^40/);
    return path;
  };

  it('asks those it has: who does not answer makes room, on both transports, and who does stays', async () => {
    const polling = open(app, { transports: ['polling'], auth: { token: ada.token } });
    await next(polling, 'connect');
    const stock = await ada.connect();
    const dead = [];
    for (let i = 2; i < MAX_SOCKETS_PER_SESSION - 4; i++) dead.push(await webSocket(false));
    const paths = await Promise.all(Array.from({ length: 4 }, frozenPolling));
    // Three at once, each of which finds room.
    const newest = await Promise.all([ada.connect(), ada.connect(), ada.connect()]);
    await Promise.all(dead.map(({ closed }) => closed));
    for (const path of paths) expect((await call(app, 'GET', path)).status).toBe(400);
    for (const socket of [polling, stock, ...newest]) expect((await send(socket, {})).ok).toBe(true);
    polling.disconnect();
  });

  it('refuses one more where all answer, and does not ask again at once', async () => {
    const alive = [];
    for (let i = 0; i < MAX_SOCKETS_PER_SESSION; i++) alive.push(await webSocket(true));
    for (let i = 0; i < 3; i++) await expect(webSocket(true)).rejects.toThrow('too_many_sockets');
    // Also for one that brings its token later.
    const late = open(app);
    await next(late, 'connect');
    expect((await send(late, { token: ada.token })).error.code).toBe('too_many_sockets');
    for (const { pings } of alive) {
      expect(pings).toBeGreaterThan(0);
      expect(pings).toBeLessThan(4);
    }
    expect(alive.every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
  });

  it('gives one place to one of several that wait for it, and none to those that leave meanwhile', async () => {
    const dead = await webSocket(false);
    for (let i = 1; i < MAX_SOCKETS_PER_SESSION; i++) await webSocket(true);
    const leaving = open(app, { auth: { token: ada.token } });
    await eventually(() => dead.pings > 0 || undefined, 'the ping');
    leaving.disconnect();
    const outcomes = await Promise.allSettled([webSocket(true), webSocket(true), webSocket(true)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await dead.closed;
  });
});
