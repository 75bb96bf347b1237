// The files in deploy/ for HAProxy and nginx, as they stand there, in front of two nodes of the built program.
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyEnvironment } from '../support/app.js';
import {
  call,
  type ChatSocket,
  eventually,
  mailTo,
  linkPath,
  next,
  open,
  send,
  type Target,
} from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { Haproxy, hasHaproxy } from '../support/haproxy.js';
import { hasNginx, Nginx } from '../support/nginx.js';
import { ServerProcess } from '../support/server-process.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts in front of nodes at these ports; returns where it listens. */
const BALANCERS = {
  HAProxy: {
    isHere: hasHaproxy,
    start: async (ports: number[]): Promise<string> => {
      const haproxy = await Haproxy.start(ports);
      cleanUps.push(() => haproxy.stop());
      return haproxy.url;
    },
  },
  nginx: {
    isHere: hasNginx,
    start: async ([one, two]: number[]): Promise<string> => {
      const port = await freePort();
      const site = readFileSync(new URL('../../deploy/nginx/parley.conf', import.meta.url), 'utf8')
        .replaceAll('10.0.0.11:3000', `127.0.0.1:${one}`)
        .replaceAll('10.0.0.12:3000', `127.0.0.1:${two}`)
        .replace('listen 80;', `listen 127.0.0.1:${port};`);
      const nginx = await Nginx.start();
      cleanUps.push(() => nginx.stop());
      nginx.serve(site);
      const url = `http://127.0.0.1:${port}`;
      await eventually(
        () =>
          fetch(url).then(
            () => true,
            () => undefined,
          ),
        'the site',
      );
      return url;
    },
  },
} as const;

/** Nodes that know nothing of each other: what is told apart here is which one answers. */
async function node(name: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const given = await emptyEnvironment('sqlite');
  const { PORT: _, ...rest } = given.env;
  const server = await ServerProcess.start({
    ...rest,
    MOTD: name,
    TRUST_PROXY: '127.0.0.1',
    RATE_LIMITS: 'off',
    ...env,
  });
  cleanUps.push(async () => {
    await server.kill();
    await given.cleanUp();
  });
  return server;
}

interface Got {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A request by a connection of its own. */
const get = (url: string, headers: Record<string, string> = {}, localAddress?: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers, localAddress }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode!, headers: response.headers, body: '' });
    });
    asked.on('error', reject).end();
  });

const HANDSHAKE = '/socket/?EIO=4&transport=';
const webSocket = (url: string): Promise<Got> =>
  get(`${url}${HANDSHAKE}websocket`, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  });
const sessionOf = ({ body }: Got): string => JSON.parse(body.slice(1)).sid;

async function token(target: Target): Promise<string> {
  const [email, password] = ['ada@example.com', 'correct horse battery'];
  const body = { email, password, first_name: 'Ada', last_name: 'Lovelace' };
  await call(target, 'POST', '/http/register', { body });
  await call(target, 'GET', linkPath(await mailTo(target, email)));
  return (await call(target, 'POST', '/http/login', { body: { email, password } })).body.token;
}

for (const [name, { isHere, start }] of Object.entries(BALANCERS))
  describe.skipIf(!isHere)(`deploy/ for ${name}`, { timeout: 180_000 }, () => {
    it('carries stock clients by each transport, and by an upgrade, while one of two nodes is away', async () => {
      const one = await node('one');
      const target = { url: await start([one.port, await freePort()]) };
      const given = await token(one);
      for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
        const socket: ChatSocket = open(target, { auth: { token: given }, transports, reconnection: true });
        cleanUps.push(() => void socket.disconnect());
        if (!socket.connected) await next(socket, 'connect');
        if (transports.length === 2)
          await eventually(() => socket.io.engine.transport.name === 'websocket' || undefined, 'the upgrade');
        expect(await send(socket, { chat_type: 'bot', message: 'Hello', client_id: crypto.randomUUID() })).toEqual(
          expect.objectContaining({ ok: true }),
        );
      }
      // Whoever it is, by the header that the balancer sets, and not by one that they send.
      const forged = { authentication: 'no token', 'x-forwarded-for': '203.0.113.7' };
      expect((await get(`${target.url}/http/users/profile`, forged, '127.0.0.2')).status).toBe(401);
      await eventually(() => one.output.includes('token_refused') || undefined);
      expect(one.output).toMatch(/token_refused .*network=127\.0\.0\.2 /);
    });

    it('keeps all requests of a polling client on one node, and spreads the others', async () => {
      const url = await start([(await node('one')).port, (await node('two')).port]);
      const motds = new Set<string>();
      await eventually(async () => {
        motds.add(JSON.parse((await get(`${url}/http/server`)).body).motd);
        return motds.size === 2 || undefined;
      }, 'an answer of each');
      for (let i = 0; i < 5; i++) {
        const opened = await get(`${url}${HANDSHAKE}polling`);
        const cookie = opened.headers['set-cookie']?.[0];
        if (name === 'HAProxy') expect(cookie).toMatch(/^PARLEY_NODE=(one|two); path=\/; HttpOnly$/);
        const poll = `${url}${HANDSHAKE}polling&sid=${sessionOf(opened)}`;
        // Engine.IO answers 400 on the other node, and holds the request on the right one: closed by a packet, it ends.
        const closed = await fetch(poll, { method: 'POST', body: '1', headers: cookie ? { cookie } : {} });
        expect([closed.status, await closed.text()]).toEqual([200, 'ok']);
      }
    });

    it('sends nobody to a node that stops, and to it again once it runs', async () => {
      const env = { STOP_GRACE: '3s' };
      const first = await node('one', env);
      const second = await node('two', env);
      const url = await start([first.port, second.port]);
      const failures: string[] = [];
      const answered = new Set<string>();
      let isOver = false;
      const asking = Array.from({ length: 3 }, async () => {
        while (!isOver) {
          const answers = await Promise.all([
            get(`${url}/http/server`).then((got) => {
              if (got.status === 200) answered.add(JSON.parse(got.body).motd);
              return got.status === 200 ? '' : `GET ${got.status}`;
            }),
            get(`${url}${HANDSHAKE}polling`).then(({ status }) => (status === 200 ? '' : `polling ${status}`)),
            webSocket(url).then(({ status }) => (status === 101 ? '' : `websocket ${status}`)),
          ]).catch((error: Error) => [error.message]);
          failures.push(...answers.filter(Boolean));
        }
      });
      await eventually(() => answered.size === 2 || undefined, 'both');
      await first.kill('SIGTERM');
      answered.clear();
      await eventually(() => answered.has('two') || undefined, 'the other one');
      expect([...answered]).toEqual(['two']);
      const again = await ServerProcess.restart(first, {
        ...(await emptyEnvironment('sqlite')).env,
        PORT: String(first.port),
        MOTD: 'one',
      });
      cleanUps.push(() => again.kill());
      await eventually(() => answered.has('one') || undefined, 'the first one again', 30_000);
      isOver = true;
      await Promise.all(asking);
      expect(failures).toEqual([]);
    });
  });
