// SIGTERM: what those notice who are connected, what of theirs is stored, and how long it may take.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { engineOf } from '../../src/sockets/transport/engine-io.js';
import { SocketDrain } from '../../src/sockets/transport/socket-drain.js';
import type { ParleyServer } from '../../src/sockets/events.js';
import { STOPPED_WITHIN_MS } from '../../src/common/stopping.js';
import { onAllDialects, onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import { call, type ChatSocket, eventually, next, open, type Person, sendTo } from '../support/client.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Ledger, storedRows, wholeHistory } from '../support/ledger.js';
import { Onlooker } from '../support/onlooker.js';
import { clientWith, shows, synced } from '../support/person.js';
import { RawSocket } from '../support/raw-socket.js';
import { ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** People made in an app that then ends, for a process that goes on with its data. */
async function gathered(app: TestApp): Promise<{ people: Crowd; env: Record<string, string> }> {
  const people = await Crowd.gather(app);
  await app.app.close();
  cleanUps.push(() => app.removeData());
  const { PORT: _, ...env } = app.env;
  return { people, env: { ...env, RATE_LIMITS: 'off' } };
}

async function started(env: Record<string, string>): Promise<ServerProcess> {
  const server = await ServerProcess.start(env);
  cleanUps.push(() => server.kill());
  return server;
}

/** How long it took to end, in milliseconds. */
async function ends(server: ServerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
  const began = performance.now();
  expect(await server.kill(signal)).toBe(signal);
  return performance.now() - began;
}

onAllDialects('a stop under load', (dialect) => {
  it(
    'acknowledges all that it stores; the rest is stored once when it is sent again',
    { timeout: 300_000 },
    async () => {
      const { people, env } = await gathered(await TestApp.start(dialect));
      let server = await started(env);
      const crowd = await people.connect(server);
      cleanUps.push(() => crowd.hangUp());
      const onlookers = await Promise.all(crowd.people.map(({ token }) => Onlooker.at(server, token, crowd.group)));
      const ledger = new Ledger();
      crowd.startSending(ledger);
      for (let round = 0; round < 2; round++) {
        await acknowledgedMore(ledger, 300);
        await ends(server);
        expect(server.output).not.toContain('cut short');
        const { length } = await storedRows(env);
        // Nobody has to ask what became of a message that the stop has stored.
        await eventually(() => ledger.acknowledged.length >= length || undefined, 'the last acknowledgements');
        expect(ledger.acknowledged).toHaveLength(length);
        server = await ServerProcess.restart(server, env);
        cleanUps.push(() => server.kill());
        await Promise.all([crowd.back(), ...onlookers.map(({ client }) => synced(client))]);
      }
      expect([...ledger.refused.keys()]).toEqual(['no answer']);
      await ledger.settle(env, crowd.sockets);
      const history = await wholeHistory(crowd.people, crowd.group, true);
      for (const onlooker of onlookers) await onlooker.check(history);
    },
  );

  it('is nothing that somebody with parley-client has to know of', { timeout: 300_000 }, async () => {
    const { people, env } = await gathered(await TestApp.start(dialect));
    const server = await started(env);
    const [ada, bob] = people.people;
    const sender = (await clientWith(server, ada.token)).room(bob.id);
    const texts = Array.from({ length: 200 }, (_, i) => `message ${i}`);
    const sending = texts.map((text) => sender.send(text));
    await Promise.race(sending);
    await ends(server);
    const again = await ServerProcess.restart(server, env);
    cleanUps.push(() => again.kill());
    expect((await Promise.all(sending)).map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));
    expect((await storedRows(env)).map(({ body }) => body)).toEqual(texts);
    const reader = (await clientWith(again, bob.token)).room(ada.id);
    reader.attach();
    await eventually(async () => (await reader.loadOlder(), reader.timeline.get().at_start) || undefined);
    await shows(reader, texts);
  });
});

describe('a stop', () => {
  /** Two people who have a room, at a server of their own. */
  const pair = async (env: Record<string, string> = {}) => {
    const app = await TestApp.start('sqlite', env);
    const { people, env: given } = await gathered(app);
    const server = await started({ ...given, ...env });
    const [ada, bob] = people.people.map((person) => person.at(server));
    return { server, ada, bob, group: people.group };
  };
  const socketOf = async (person: Person, transport: 'websocket' | 'polling'): Promise<ChatSocket> => {
    const socket = open(person.target, { auth: { token: person.token }, transports: [transport] });
    cleanUps.push(() => void socket.disconnect());
    await next(socket, 'connect');
    return socket;
  };

  it('takes no new sockets and is not ready, while it serves those it has; then closes their transports', async () => {
    const { server, ada, bob } = await pair({ STOP_GRACE: '4s' });
    const [a, b] = [await socketOf(ada, 'websocket'), await socketOf(bob, 'polling')];
    const left = [a, b].map((socket) => next<string>(socket, 'disconnect'));
    const ended = ends(server);
    const red = await eventually(async () => {
      const answer = await call(server, 'GET', '/health/ready');
      return answer.status === 503 ? answer : undefined;
    });
    expect(red.body).toMatchObject({ code: 'unavailable', message: 'The server is shutting down.' });
    expect(red.headers.get('connection')).toBe('close');
    expect((await call(server, 'GET', '/health/live')).status).toBe(200);

    const handshake = await call(server, 'GET', '/socket/?EIO=4&transport=polling');
    expect([handshake.status, handshake.headers.get('retry-after')]).toEqual([503, '1']);
    expect(handshake.body.message).toBe('The server is shutting down. Connect again in a moment.');
    expect(await upgradeOf(server)).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n(.*\r\n)*Retry-After: 1\r\n/);

    expect(await sendTo(a, bob.id, 'still')).toMatchObject({ ok: true, seq: 1 });
    expect(await sendTo(b, ada.id, 'here')).toMatchObject({ ok: true, seq: 2 });
    expect((await ada.get('/http/users/profile')).status).toBe(200);
    // After any other reason, a stock client stays away.
    expect(await Promise.all(left)).toEqual(['transport close', 'transport close']);
    await ended;
  });

  it('closes sockets one after another', async () => {
    const app = await TestApp.start('sqlite');
    cleanUps.push(() => app.stop());
    const { token } = await app.createUser('ada@example.com', 'Ada');
    const sockets = Array.from({ length: 15 }, () => new RawSocket(app, token));
    await Promise.all(sockets.map(({ ready }) => ready));
    const drain = app.get(SocketDrain);
    const { clients } = engineOf((drain as unknown as { server: ParleyServer }).server);
    const counts: number[] = [];
    for (const connection of Object.values(clients))
      connection!.on('close', () => setImmediate(() => counts.push(Object.keys(clients).length)));
    await drain.sendAway();
    // The first one alone; the others as time goes by.
    expect(counts[0]).toBe(14);
    expect(Object.keys(clients)).toEqual([]);
    await drain.sendAway();
  });

  it('waits for no client that does not read, and for no request that does not end', async () => {
    const { server, ada, bob } = await pair();
    const writer = await socketOf(ada, 'websocket');
    const deaf = new RawSocket(server, bob.token);
    await deaf.ready;
    deaf.pause();
    cleanUps.push(() => deaf.drop());
    const text = 'x'.repeat(4_000);
    // More than the kernel takes, less than what a client is dropped for at once.
    for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => sendTo(writer, bob.id, text)));
    const half = connect(server.port, '127.0.0.1').on('error', () => {});
    cleanUps.push(() => void half.destroy());
    half.write('POST /http/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    await call(server, 'GET', '/health/live');
    expect(await ends(server)).toBeLessThan(STOPPED_WITHIN_MS + 5_000);
    expect(server.output).not.toContain('cut short');
  });
});

onPrivateServers('a stop while the database is silent', (database) => {
  let databases = 0;
  const silent = async () => {
    const name = `silent${++databases}`;
    await database().query(`CREATE DATABASE ${name}`);
    const proxy = await TcpProxy.start(database().port);
    cleanUps.push(() => proxy.close());
    const { people, env } = await gathered(
      await TestApp.startIn({
        DATABASE_URL: `${database().url}/${name}`,
        JWT_SECRET: 'a secret for tests, longer than 32 bytes',
        DATA_DIR: temporaryFolder(),
        PUBLIC_URL: 'http://localhost:3000',
      }),
    );
    const server = await started({ ...env, DATABASE_URL: proxy.urlOf(name) });
    const crowd = await people.connect(server);
    cleanUps.push(() => crowd.hangUp());
    const ledger = new Ledger();
    crowd.startSending(ledger);
    await acknowledgedMore(ledger, 100);
    proxy.mute();
    return { server, env, crowd, ledger, proxy };
  };

  it(
    'ends within ten seconds, as a crash does: nothing that was acknowledged is lost',
    { timeout: 120_000 },
    async () => {
      const { server, env, crowd, ledger, proxy } = await silent();
      await sleep(200);
      expect(await ends(server)).toBeLessThan(STOPPED_WITHIN_MS + 5_000);
      // Or the database would keep the lock for a minute, for the end of the connection that it has not heard of.
      proxy.refuse();
      const again = await ServerProcess.restart(server, env);
      cleanUps.push(() => again.kill());
      await crowd.back();
      await ledger.settle(env, crowd.sockets);
    },
  );

  it('ends at once on a second signal, and not on the echo of the first', { timeout: 120_000 }, async () => {
    const { server } = await silent();
    const ended = ends(server, 'SIGINT');
    void server.kill('SIGINT');
    await sleep(600);
    void server.kill('SIGINT');
    await ended;
    expect(server.output).not.toContain('cut short');
  });
});

/** What a handshake of a WebSocket is answered. */
const upgradeOf = ({ port }: ServerProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').on('error', reject);
    let text = '';
    socket.on('data', (chunk) => void (text += chunk.toString())).once('close', () => resolve(text));
    socket.write(
      'GET /socket/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
  });
