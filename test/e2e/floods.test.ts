// Those who send more than anybody needs: they are cut off before what they send is looked at, and nobody else is.
import { connect, type Socket as Stream } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { RATES } from '../../src/common/limits/limits.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { Incoming } from '../../src/sockets/transport/incoming.js';
import { trafficOf } from '../../src/sockets/transport/traffic.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { call, eventually, next, open, Person, send, sendTo } from '../support/client.js';

const PATH = '/socket/?EIO=4&transport=';
const FLOOD = 2_000;

describe('a flood', () => {
  let app: TestApp;
  /** With the limits that there are without a word about them; nobody is cut off here. */
  let usual: TestApp;
  let ada: Person;
  let bob: Person;
  /** What Engine.IO was given to read. */
  let seen = 0;

  const start = async (more: Record<string, string>): Promise<TestApp> => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    return TestApp.startIn({ ...env, RATE_LIMITS: 'on', ...more }, cleanUp);
  };
  const engine = (of: TestApp): any => (of.get(Publisher) as unknown as { server: { engine: unknown } }).server.engine;

  beforeAll(async () => {
    app = await start({ SOCKET_PACKETS_PER_SECOND: '50' });
    usual = await start({});
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    engine(app).on('connection', (connection: any) => connection.on('packet', () => seen++));
  });
  afterAll(() => Promise.all([app.stop(), usual.stop()]));

  /** A WebSocket by hand; all that it is told, and how it was closed. */
  const webSocket = async (token?: string, at = app) => {
    const socket = new WebSocket(`${at.url.replace('http', 'ws')}${PATH}websocket`);
    const got: string[] = [];
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        got.push(data.toString());
        if (got.at(-1)!.startsWith('0')) socket.send(`40${token ? JSON.stringify({ token }) : ''}`);
        else resolve();
      });
    });
    return { socket, got, closed };
  };
  /** Leaves the namespace, and waits until the server has heard it: Socket.IO closes who comes back in the same breath. */
  const leave = async (socket: WebSocket): Promise<void> => {
    socket.send('41');
    const answered = new Promise<void>((resolve) => {
      socket.once('pong', () => resolve());
      socket.once('close', () => resolve());
    });
    socket.ping();
    await answered;
  };
  const message = () => `42["message",{"chat_type":"room","other_user_id":${bob.id},"message":"x"}]`;

  describe('over a WebSocket', () => {
    it.each([
      ['of events that nobody knows', () => '42["x"]', false],
      ['of messages without a token', () => '42["typing",{}]', false],
      ['of messages past their rate', message, true],
      ['of namespaces', () => '40/x,', true],
      ['of pongs', () => '3', true],
    ])('%s is cut off, after saying why', async (_, packet, hasToken) => {
      const { socket, got, closed } = await webSocket(hasToken ? ada.token : undefined);
      seen = 0;
      const before = app.get(Incoming).cutOffs;
      for (let i = 0; i < FLOOD; i++) socket.send(packet());
      expect([1005, 1006, 1008]).toContain(await closed);
      expect(seen).toBeLessThan(FLOOD / 4);
      if (got.every((one) => !one.includes('token_invalid'))) {
        expect(got.join('\n')).toContain('"code":"rate_limited","message":"This socket sends too much.');
        expect(app.get(Incoming).cutOffs).toBe(before + 1);
      }
    });

    it.each([
      ['pings', (socket: WebSocket) => socket.ping()],
      ['empty fragments', (socket: WebSocket) => socket.send('', { fin: false })],
    ])('of frames that are no packets, %s, is cut off', async (_, sendOne) => {
      const { socket, closed } = await webSocket(ada.token);
      let pongs = 0;
      socket.on('pong', () => pongs++);
      for (let i = 0; i < FLOOD; i++) sendOne(socket);
      await closed;
      expect(pongs).toBeLessThan(FLOOD / 4);
    });

    it('of joining and leaving is cut off sooner: that costs more', async () => {
      const { socket, got, closed } = await webSocket();
      const joined = (): number => got.filter((one) => one.startsWith('40')).length;
      for (let round = 2; round < 100 && socket.readyState === WebSocket.OPEN; round++) {
        await leave(socket);
        if (socket.readyState === WebSocket.OPEN) socket.send('40');
        await Promise.race([closed, eventually(() => joined() === round || undefined, 'the next socket')]);
      }
      expect(got.join('\n')).toContain('rate_limited');
      expect(joined()).toBeLessThan(80);
    });

    it('while it is tried beside polling ends with that WebSocket', async () => {
      const { body } = await call(app, 'GET', `${PATH}polling`);
      const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
      const socket = new WebSocket(`${app.url.replace('http', 'ws')}${PATH}websocket&sid=${sid}`);
      await new Promise((resolve) => socket.on('open', resolve));
      const closed = new Promise((resolve) => socket.on('close', resolve));
      for (let i = 0; i < FLOOD; i++) socket.ping();
      await closed;
      expect((await call(app, 'GET', `${PATH}polling&sid=${sid}`)).status).toBe(200);
    });
  });

  it.each(['42["x"]', '421["x"]', '40/x,', '3'])('by polling, of %s, is not even parsed', async (packet) => {
    const { body } = await call(app, 'GET', `${PATH}polling`);
    const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
    const post = (text: string) => fetch(`${app.url}${PATH}polling&sid=${sid}`, { method: 'POST', body: text });
    await post('40');
    seen = 0;
    await post(Array(FLOOD).fill(packet).join('\x1e'));
    const answer = await fetch(`${app.url}${PATH}polling&sid=${sid}`);
    expect(await answer.text()).toContain('rate_limited');
    await eventually(async () => (await post('3')).status === 400 || undefined, 'the end of the connection');
    expect(seen).toBe(0);
  });

  it('by polling is not read any further, and neither is what comes for a connection that has ended', async () => {
    const { body } = await call(app, 'GET', `${PATH}polling`);
    const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
    // As if it had just sent too much: it is some moments until it is closed.
    trafficOf(engine(app).clients[sid])!.isSpent = true;
    /** Of a request whose body never comes; until the server closes. */
    const answerTo = (id: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const head = `POST ${PATH}polling&sid=${id} HTTP/1.1\r\nHost: x\r\ncontent-length: 60000\r\n\r\n`;
        const stream = connect(Number(new URL(app.url).port), '127.0.0.1', () => stream.write(head));
        let answer = '';
        stream.on('data', (piece: Buffer) => (answer += piece.toString()));
        stream.on('error', reject).on('close', () => resolve(answer));
      });
    expect(await answerTo(sid)).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 1\r\n[^]*"code":"rate_limited"/);
    expect(await answerTo('nobody')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('that comes again and again has its network wait before it connects anew, and no other network', async () => {
    const other = await start({ SOCKET_PACKETS_PER_SECOND: '50', TRUST_PROXY: '1' });
    const mine = open(other, { auth: { token: (await Person.known(other)).token } });
    await next(mine, 'connect');
    const handshake = (address: string) =>
      call(other, 'GET', `${PATH}polling`, { headers: { 'x-forwarded-for': address } });
    const flooded = vi.spyOn(other.get(RateLimits), 'flooded');
    const { socket, closed } = await webSocket(undefined, other);
    for (let i = 0; i < FLOOD; i++) socket.send('3');
    await closed;
    expect(flooded.mock.calls).toEqual([['127.0.0.1']]);
    for (let i = 0; i < Number(RATES.flood.points); i++) other.get(RateLimits).flooded('203.0.113.7');
    const { status, body } = await handshake('203.0.113.7');
    expect([status, body.message]).toEqual([429, 'This network sends too much.']);
    const webSocketRefused = next<Error>(
      open(other, { extraHeaders: { 'x-forwarded-for': '203.0.113.7' } }),
      'connect_error',
    );
    await webSocketRefused;
    expect((await handshake('203.0.113.8')).status).toBe(200);
    // Who is there stays, also in that network.
    expect((await send(mine, {})).ok).toBe(true);
    mine.disconnect();
    await other.stop();
  });

  it('is not what a stock client has written while it was offline', async () => {
    const [eve, tom] = [await Person.known(usual), await Person.known(usual, 'Tom')];
    for (const transports of [['websocket'], ['polling', 'websocket']]) {
      const socket = open(usual, { auth: { token: eve.token }, autoConnect: false, transports });
      const answers = Array.from({ length: 500 }, (_, i) => sendTo(socket, tom.id, `${i}`, `${transports[0]}${i}`));
      socket.connect();
      const codes = (await Promise.all(answers)).map((answer) => answer.error?.code ?? 'stored');
      expect(codes.every((code) => code === 'stored' || code === 'rate_limited')).toBe(true);
      expect(socket.connected).toBe(true);
      socket.disconnect();
    }
  });

  it('of connections from one network is refused, and another network comes in', async () => {
    const other = await start({ SOCKETS_PER_NETWORK: '5', TRUST_PROXY: '1' });
    const from = (address: string) => ({ extraHeaders: { 'x-forwarded-for': address } });
    const mine = Array.from({ length: 5 }, () => open(other, from('203.0.113.7')));
    await Promise.all(mine.map((socket) => next(socket, 'connect')));
    for (const address of ['203.0.113.7', '203.0.113.7:4711', '::ffff:203.0.113.7']) {
      await next(open(other, from(address)), 'connect_error');
      const { status, body } = await call(other, 'GET', `${PATH}polling`, { headers: from(address).extraHeaders });
      expect([status, body.message]).toEqual([429, 'Too many connections from this network.']);
    }
    const theirs = open(other, from('203.0.113.8'));
    await next(theirs, 'connect');
    mine[0].disconnect();
    await eventually(async () => {
      const socket = open(other, from('203.0.113.7'));
      mine.push(socket);
      return Promise.race([
        next(socket, 'connect').then(() => true),
        next(socket, 'connect_error').then(() => undefined),
      ]);
    }, 'room for one more');
    for (const socket of [theirs, ...mine]) socket.disconnect();
    await other.stop();
  });

  it('of requests that never end keeps nobody out: the oldest of them go', async () => {
    const opened = async (text: string): Promise<{ stream: Stream; closed: Promise<void> }> => {
      const stream = connect(Number(new URL(usual.url).port), '127.0.0.1');
      const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.write(text, resolve));
      return { stream, closed };
    };
    const eve = await Person.known(usual);
    const polls = open(usual, { transports: ['polling'], auth: { token: eve.token } });
    await next(polls, 'connect');
    const heads = [
      '',
      'GET /http/users HTTP/1.1\r\nHo',
      'POST /http/login HTTP/1.1\r\nHost: x\r\ncontent-length: 9\r\n\r\n{',
    ];
    const streams = [];
    for (let i = 0; i < 110; i++) streams.push(await opened(heads[i % heads.length]));
    await Promise.all(streams.slice(0, 5).map(({ closed }) => closed));
    expect(streams.at(-1)!.stream.destroyed).toBe(false);
    expect((await call(usual, 'GET', '/health/live')).status).toBe(200);
    expect((await send(polls, {})).ok).toBe(true);
    for (const { stream } of streams) stream.destroy();
    polls.disconnect();
  });

  it('of connections whose sockets have left does not last: each has ten seconds to open another', async () => {
    const eve = await Person.known(usual);
    const [left, back] = [await webSocket(undefined, usual), await webSocket(undefined, usual)];
    const began = Date.now();
    await Promise.all([leave(left.socket), leave(back.socket)]);
    back.socket.send(`40${JSON.stringify({ token: eve.token })}`);
    await eventually(
      () => back.got.filter((one) => one.startsWith('40')).length === 2 || undefined,
      'the other socket',
    );
    await left.closed;
    expect(Date.now() - began).toBeGreaterThan(9_000);
    expect(back.socket.readyState).toBe(WebSocket.OPEN);
    back.socket.terminate();
  });
});
