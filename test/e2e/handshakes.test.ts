// How a connection begins: requests that ask for another protocol, clients of another version, where the token may stand.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createLogger } from '../../src/create-app.js';
import { loadConfig } from '../../src/config/config.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { call, type ChatSocket, next, open, Person, send, sendTo } from '../support/client.js';

type Refusal = Error & { data: { code: string; message: string } };

describe('a handshake', () => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  const warnings: string[] = [];

  beforeAll(async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const logger = createLogger(loadConfig(env));
    for (const level of ['log', 'error', 'warn'] as const)
      logger[level] = (message: unknown) => void warnings.push(String(message));
    app = await TestApp.startIn(env, cleanUp, logger);
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  });
  afterAll(() => app.stop());

  /** What comes back for these bytes, until `isAll` of it is there or the server closes. */
  const raw = (text: string, isAll = (answer: string) => answer.includes('\r\n\r\n')): Promise<string> =>
    new Promise((resolve, reject) => {
      const stream = connect(Number(new URL(app.url).port), '127.0.0.1', () => stream.write(text));
      let answer = '';
      stream.on('data', (piece: Buffer) => {
        answer += piece.toString('latin1');
        if (isAll(answer)) stream.destroy();
      });
      stream.on('error', reject).on('close', () => resolve(answer));
    });
  const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
  const webSocket =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const head = (method: string, path: string, more: string) => `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

  describe('that asks for another protocol', () => {
    it.each([
      ['h2c', h2c],
      ['TLS', 'Connection: keep-alive, Upgrade\r\nUpgrade: TLS/1.0\r\n'],
      ['several', 'Connection: upgrade\r\nUpgrade: h2c, websocket\r\n'],
    ])('%s is answered in HTTP/1.1, and so is what follows on the connection', async (_, upgrade) => {
      // The second is sent when the first is answered, as clients do.
      const answers = await new Promise<string>((resolve, reject) => {
        const first = head('GET', '/http/users/profile', `authentication: ${ada.token}\r\n${upgrade}`);
        const stream = connect(Number(new URL(app.url).port), '127.0.0.1', () => stream.write(first));
        let answer = '';
        stream.on('data', (piece: Buffer) => {
          const had = answer.includes('"created_at"');
          answer += piece.toString('latin1');
          if (!had && answer.includes('"created_at"')) stream.write(head('GET', '/nowhere', 'Connection: close\r\n'));
        });
        stream.on('error', reject).on('close', () => resolve(answer));
      });
      expect(answers).toMatch(/^HTTP\/1\.1 200 OK[^]*"first_name":"Ada"[^]*HTTP\/1\.1 404 /);
    });

    // Node itself reads upgrades from 24.9 on, and drops what is pipelined behind one that it ignores.
    it.runIf(Number(process.versions.node.split('.')[0]) < 24)('is answered also with more behind it', async () => {
      const answers = await raw(
        head('GET', '/http/users/profile', `authentication: ${ada.token}\r\n${h2c}`) +
          head('GET', '/nowhere', 'Connection: close\r\n'),
        () => false,
      );
      expect(answers).toMatch(/^HTTP\/1\.1 200 OK[^]*"first_name":"Ada"[^]*HTTP\/1\.1 404 /);
    });

    it('keeps its body, also where that comes later', async () => {
      const body = '{"email":"a@b.de","password":"xxxxxxxxx"}';
      const more = `content-type: application/json\r\ncontent-length: ${body.length}\r\n${h2c}`;
      const refused = /^HTTP\/1\.1 401 /;
      expect(await raw(head('POST', '/http/login', more) + body)).toMatch(refused);
      const late = new Promise<string>((resolve) => {
        const stream = connect(Number(new URL(app.url).port), '127.0.0.1', () => {
          stream.write(head('POST', '/http/login', more) + body.slice(0, 5));
          setTimeout(() => stream.write(body.slice(5)), 50);
        });
        stream.once('data', (piece: Buffer) => (stream.destroy(), resolve(piece.toString())));
      });
      expect(await late).toMatch(refused);
    });

    it('is a WebSocket for another path, and gets its 404', async () => {
      for (const path of ['/', '/socket.io/?EIO=4&transport=websocket', '/socketx/?EIO=4', '/http/users'])
        expect(await raw(head('GET', path, `authentication: ${ada.token}\r\n${webSocket}`))).toMatch(
          /^HTTP\/1\.1 404 /,
        );
    });

    it('at the path of the sockets is one of them only as a WebSocket', async () => {
      const path = '/socket/?EIO=4&transport=polling';
      expect(await raw(head('GET', path, h2c), (answer) => answer.includes('"sid"'))).toMatch(/^HTTP\/1\.1 200 /);
      expect(await raw(head('GET', '/socket/?EIO=4&transport=websocket', webSocket))).toMatch(/^HTTP\/1\.1 101 /);
    });
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD'])('by %s is no method of sockets', async (method) => {
    expect(await raw(head(method, '/socket/?EIO=4&transport=polling', ''))).toMatch(
      /^HTTP\/1\.1 405 [^]*allow: GET, POST/,
    );
    const { body } = await call(app, 'GET', '/socket/?EIO=4&transport=polling');
    const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
    const path = `/socket/?EIO=4&transport=polling&sid=${sid}`;
    expect(await raw(head(method, path, ''))).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('of a client of Socket.IO 2 is refused in words that name the version, and once in the log', async () => {
    for (const query of ['EIO=3&transport=polling', 'transport=polling', 'EIO=3&transport=polling']) {
      const { status, body } = await call(app, 'GET', `/socket/?${query}`);
      expect([status, body.code]).toEqual([400, 5]);
      expect(body.message).toContain('socket.io-client 4');
    }
    const url = `${app.url.replace('http', 'ws')}/socket/?EIO=3&transport=websocket`;
    const answer = await new Promise<string>((resolve) => {
      new WebSocket(url).on('unexpected-response', (_, response) => {
        response.on('data', (piece: Buffer) => resolve(`${response.statusCode} ${piece.toString()}`));
      });
    });
    expect(answer).toMatch(/^400 .*socket\.io-client 4/);
    expect(warnings.filter((line) => line.includes('EIO=3'))).toHaveLength(1);
  });

  describe('has its token', () => {
    const whose = async (socket: ChatSocket): Promise<unknown> => {
      await next(socket, 'connect');
      const answer = await send(socket, {});
      socket.disconnect();
      return answer;
    };

    it.each([
      ['in auth', () => ({ auth: { token: ada.token } })],
      ['in auth, behind Bearer', () => ({ auth: { token: `Bearer ${ada.token}` } })],
      ['in the header authentication', () => ({ extraHeaders: { authentication: ada.token } })],
      ['in the header Authorization', () => ({ extraHeaders: { authorization: `Bearer ${ada.token}` } })],
      [
        'in auth, whatever the headers say',
        () => ({ auth: { token: ada.token }, extraHeaders: { authentication: 'x' } }),
      ],
    ])('%s, on both transports', async (_, given) => {
      for (const transports of [['websocket'], ['polling']])
        expect(await whose(open(app, { transports, ...given() }))).toEqual({ ok: true, user_id: ada.id });
    });

    it('behind Bearer in a message, too, and is the same token then', async () => {
      const socket = open(app);
      await next(socket, 'connect');
      for (const token of [`Bearer ${ada.token}`, ada.token, `bearer ${ada.token}`])
        expect(await send(socket, { token })).toEqual({ ok: true, user_id: ada.id });
      socket.disconnect();
    });

    it('in a header that is no token of ours is refused as in auth', async () => {
      const refused = next<Refusal>(open(app, { extraHeaders: { authorization: 'Bearer rubbish' } }), 'connect_error');
      expect((await refused).data.code).toBe('token_invalid');
      const basic = open(app, { extraHeaders: { authorization: 'Basic YTpi' } });
      await next(basic, 'connect');
      expect(await send(basic, { token: ada.token })).toMatchObject({ ok: true });
      basic.disconnect();
    });

    it('in the address in vain, and learns why', async () => {
      const refused = next<Refusal>(open(app, { query: { token: ada.token } }), 'connect_error');
      expect((await refused).data).toEqual({ code: 'token_missing', message: expect.stringContaining('logs') });
      expect(await whose(open(app, { query: { token: 'x' }, auth: { token: ada.token } }))).toMatchObject({ ok: true });
    });
  });

  describe('of a large packet', () => {
    const text = 'x'.repeat(70_000);

    it.each(['websocket', 'polling'])('over %s is refused by itself, and the socket stays', async (transport) => {
      const socket = open(app, { transports: [transport], auth: { token: ada.token } });
      await next(socket, 'connect');
      const told = next<object>(socket, 'exception');
      const behind = sendTo.bind(undefined, socket, bob.id, 'small');
      const [large, small] = await Promise.all([sendTo(socket, bob.id, text), behind()]);
      expect(large).toMatchObject({ ok: false, error: { code: 'too_large' } });
      expect(small.ok).toBe(true);
      expect(await told).toMatchObject({ code: 'too_large', request: { event: 'message' } });
      const binary = next<{ code: string }>(socket, 'exception', ({ code }) => code === 'too_large');
      socket.emit('message', Buffer.alloc(100_000) as never);
      await binary;
      expect((await sendTo(socket, bob.id, 'still here')).ok).toBe(true);
      socket.disconnect();
    });

    it.each(['websocket', 'polling'])('over %s that is far too large closes the socket', async (transport) => {
      const socket = open(app, { transports: [transport], auth: { token: ada.token } });
      await next(socket, 'connect');
      const closed = next<string>(socket, 'disconnect');
      socket.emit('message', { chat_type: 'room', other_user_id: bob.id, message: 'x'.repeat(300_000) });
      expect(await closed).toMatch(/transport (close|error)/);
    });
  });

  it('in the middle of its upgrade hears why it is closed', async () => {
    const path = '/socket/?EIO=4&transport=';
    const { body } = await call(app, 'GET', `${path}polling`);
    const { sid } = JSON.parse(String(body).slice(1)) as { sid: string };
    const poll = (method: string, packet?: string) =>
      fetch(`${app.url}${path}polling&sid=${sid}`, { method, ...(packet && { body: packet }) }).then((got) =>
        got.text(),
      );
    const token = await app.createSession(ada.id);
    await poll('POST', `40${JSON.stringify({ token })}`);
    await poll('GET');
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}${path}websocket&sid=${sid}`);
    const got: string[] = [];
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise<void>((resolve) => {
      socket.on('open', () => socket.send('2probe'));
      socket.on('message', (data: Buffer) => {
        got.push(data.toString());
        if (got.at(-1) === '3probe') resolve();
      });
    });
    await call(app, 'POST', '/http/logout', { token });
    socket.send('5');
    await closed;
    expect(got.join('\n')).toContain('session_revoked');
  });
});
