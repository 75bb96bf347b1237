// Bytes that are no UTF-8, and fields that are named as JavaScript's own: refused wherever they come in, and nothing is stored.
import { gzipSync } from 'node:zlib';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApp } from '../support/app.js';
import { call, eventually, next, Person, send } from '../support/client.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('text that comes in', () => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  });
  afterAll(() => app.stop());

  /** A request with these bytes, and the path as it is. */
  const raw = (method: string, path: string, headers: Record<string, string>, body: Buffer | string = '') =>
    new Promise<{ status: number; body: any }>((resolve, reject) => {
      const { port } = new URL(app.url);
      const sent = request({ port, host: '127.0.0.1', method, path, headers, setHost: true }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, body: text.startsWith('{') ? JSON.parse(text) : text }),
        );
      });
      sent.on('error', reject).end(body);
    });
  const json = (extra: Record<string, string> = {}) => ({
    'content-type': 'application/json',
    authentication: ada.token,
    ...extra,
  });
  const rename = (body: Buffer | string, headers = json()) => raw('PUT', '/http/users/profile', headers, body);
  const name = async (): Promise<string> => (await ada.get('/http/users/profile')).body.first_name;
  const stored = async (): Promise<number> => {
    const [{ count }] = await app.database.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM messages');
    return count;
  };

  it.each([
    ['Latin-1', latin1('{"first_name":"Ren\xe9"}')],
    ['half a character', Buffer.from('{"first_name":"é"}').subarray(0, 16)],
    ['an overlong slash', Buffer.from('7b2266697273745f6e616d65223a22c0af227d', 'hex')],
    ['half of a surrogate pair', Buffer.from('7b2266697273745f6e616d65223a22eda080227d', 'hex')],
  ])('is refused in JSON where it is %s', async (_, body) => {
    expect(await rename(body)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await name()).toBe('Ada');
  });

  it('is refused in another charset, or compressed, and read as UTF-8 whatever way that is written', async () => {
    const refused = { status: 415, body: { code: 'unsupported_media_type' } };
    const type = (charset: string) => json({ 'content-type': `application/json${charset}` });
    expect(await rename(latin1('{"first_name":"Ren\xe9"}'), type('; charset=iso-8859-1'))).toMatchObject(refused);
    expect(await rename(Buffer.from('{"first_name":"W"}', 'utf16le'), type(';charset="utf-16le"'))).toMatchObject(
      refused,
    );
    expect(await rename(gzipSync('{"first_name":"Z"}'), json({ 'content-encoding': 'gzip' }))).toMatchObject(refused);
    expect(await name()).toBe('Ada');
    expect((await rename('{"first_name":"Renée"}', type('; Charset="UTF-8"'))).body.first_name).toBe('Renée');
    expect((await rename('\ufeff{"first_name":"Ada"}', json({ 'content-encoding': 'identity' }))).status).toBe(200);
    // Whoever means it may write it.
    expect((await rename('{"first_name":"\ufffd"}')).body.first_name).toBe('\ufffd');
    expect((await rename('{"first_name":"Ada"}')).status).toBe(200);
  });

  it('logs nobody in with three other letters of Latin-1', async () => {
    const person = await Person.join(app);
    const body = (password: string) => latin1(JSON.stringify({ email: person.email, password }));
    await person.put('/http/users/profile', { password: '\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd' });
    const answer = await raw('POST', '/http/login', { 'content-type': 'application/json' }, body('\xe4'.repeat(8)));
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
  });

  it('is refused in forms, as bytes and percent-encoded', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const forgot = (body: string) => raw('POST', '/http/password/forgot', form, latin1(body));
    expect(await forgot('email=ren\xe9@example.com')).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await forgot('email=ren%E9%40example.com')).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect((await forgot('email=rene%40example.com')).status).toBe(202);
  });

  it('is refused in queries and paths', async () => {
    for (const query of ['query=%FF', 'query=%E9t%E9', 'query=%C3', 'query=%zz', 'query=\xe9'])
      expect(await raw('GET', `/http/users?${query}`, json())).toMatchObject({
        status: 400,
        body: { code: 'invalid' },
      });
    expect(await raw('GET', '/http/register/%FF', {})).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await raw('GET', '/http/users?query=%C3%A9', json())).toMatchObject({ status: 200 });
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('a session called %s is none', async (sid) => {
    const path = `/socket/?EIO=4&transport=polling&sid=${sid}`;
    expect((await raw('POST', path, { 'content-encoding': 'gzip' }, 'x')).status).toBe(415);
    expect((await raw('POST', path, {}, Buffer.from([0xff, 0xff]))).status).toBe(400);
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
  });

  /** A connection by polling that has shown its token. */
  const poll = async () => {
    const opened = await raw('GET', '/socket/?EIO=4&transport=polling', {});
    const { sid } = JSON.parse((opened.body as string).slice(1)) as { sid: string };
    const path = `/socket/?EIO=4&transport=polling&sid=${sid}`;
    const post = (
      body: Buffer | string,
      headers: Record<string, string> = { 'content-type': 'text/plain;charset=UTF-8' },
    ) => raw('POST', path, headers, body);
    expect((await post(`40${JSON.stringify({ token: ada.token })}`)).status).toBe(200);
    await raw('GET', path, {});
    return { path, post, get: () => raw('GET', path, {}) };
  };
  it('is refused also behind a body that was too large already', async () => {
    const { path } = await poll();
    const { port } = new URL(app.url);
    const status = await new Promise((resolve) => {
      const sent = request({ port, host: '127.0.0.1', method: 'POST', path }, ({ statusCode }) => {
        // What comes after the answer, on the same request.
        sent.write(Buffer.from([0xff, 0xff]), () => resolve(statusCode));
      });
      sent.on('error', () => undefined).write('a'.repeat(270_000));
    });
    expect(status).toBe(413);
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
  });

  const packet = (message: string) =>
    `42${JSON.stringify(['message', { chat_type: 'room', other_user_id: bob.id, message }])}`;

  it('is refused in polled packets, and ends that connection', async () => {
    const before = await stored();
    for (const body of [latin1(packet('Ren\xe9')), Buffer.from(packet('é')).subarray(0, -4)]) {
      const { post, get } = await poll();
      expect(await post(body)).toMatchObject({ status: 400, body: { code: 'invalid' } });
      await eventually(async () => (await get()).status === 400 || undefined, 'the end of the connection');
    }
    for (const headers of [{ 'content-type': 'text/plain;charset=iso-8859-1' }, { 'content-encoding': 'gzip' }])
      expect(await (await poll()).post(packet('x'), headers as never)).toMatchObject({ status: 415 });
    expect(await stored()).toBe(before);

    // In two pieces, the cut in the middle of a letter.
    const heard = next<{ message: string }>(await bob.connect(), 'message');
    const bytes = Buffer.from(packet('Renée'));
    const cut = bytes.indexOf(0xc3) + 1;
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1').setNoDelay();
    const head = `POST ${(await poll()).path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), bytes.subarray(0, cut)]));
    // The other piece goes out when the first has.
    await call(app, 'GET', '/health/live');
    socket.write(bytes.subarray(cut));
    expect((await heard).message).toBe('Renée');
    socket.destroy();
    bob.hangUp();
  });

  it('closes a WebSocket whose frame it is in', async () => {
    const before = await stored();
    const { port } = new URL(app.url);
    const socket = connect(Number(port), '127.0.0.1');
    const frame = (body: Buffer) =>
      Buffer.concat([Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255, 0, 0, 0, 0]), body]);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(
      'GET /socket/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let got = '';
    socket.on('data', (data: Buffer) => {
      const had = got;
      got += data.toString('latin1');
      if (!had.includes('{"sid"') && got.includes('{"sid"')) {
        socket.write(frame(Buffer.from(`40${JSON.stringify({ token: ada.token })}`)));
        socket.write(frame(latin1(packet('Ren\xe9'.padEnd(200)))));
      }
    });
    await closed;
    expect(await stored()).toBe(before);
  });

  describe('with a field that every object has', () => {
    const NAMES = Object.getOwnPropertyNames(Object.prototype);

    it.each(NAMES)('%s is refused like every unknown field', async (field) => {
      const unknown = { code: 'invalid', fields: Object.fromEntries([[field, ['is not a field of this request']]]) };
      for (const content of ['null', '"x"', '{"prototype":null}', '[]']) {
        const http = await rename(`{"first_name":"Eve","${field}":${content}}`);
        expect(http.status).toBe(400);
        expect({ code: http.body.code, fields: http.body.fields }).toEqual(unknown);
        const payload = JSON.parse(
          `{"chat_type":"room","other_user_id":${bob.id},"message":"x","${field}":${content}}`,
        );
        const socket = await ada.connect();
        const { code, fields } = (await send(socket, payload)).error;
        expect({ code, fields }).toEqual(unknown);
        ada.hangUp();
      }
      expect(await raw('GET', `/http/users?${field}=1`, json())).toMatchObject({
        status: 400,
        body: { code: 'invalid' },
      });
      expect(await rename(`{"first_name":{"${field}":1}}`)).toMatchObject({ status: 400, body: { code: 'invalid' } });
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expect((await raw('POST', '/http/password/forgot', form, `email=a%40example.com&${field}=1`)).status).toBe(400);
      expect(await name()).toBe('Ada');
    });

    it('is no event either', async () => {
      const socket = await ada.connect();
      for (const event of NAMES)
        expect((await (socket as any).timeout(10_000).emitWithAck(event, {})).error.code).toBe('unknown_event');
      ada.hangUp();
    });
  });
});
