// Who opens connections by the thousand gets as many as anybody, and others keep theirs.
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket as Stream } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ClientNetworks } from '../../src/common/limits/client-network.js';
import { MOST_IDLE, OpenConnections } from '../../src/common/limits/open-connections.js';
import { SecurityLog } from '../../src/common/logs/security-log.js';
import { UnfinishedRequests } from '../../src/common/limits/unfinished-requests.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { eventually } from '../support/client.js';

const MOST = 20;
const head = (more = '') => `GET /health/live HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

describe('the connections of one network', () => {
  let app: TestApp;
  const streams: Stream[] = [];
  const start = async (env: Record<string, string> = {}): Promise<void> => {
    const environment = await emptyEnvironment('sqlite');
    const more = { RATE_LIMITS: 'on', CONNECTIONS_PER_NETWORK: String(MOST), ...env };
    app = await TestApp.startIn({ ...environment.env, ...more }, environment.cleanUp);
  };
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const stream of streams.splice(0)) stream.destroy();
    await eventually(() => app.get(OpenConnections).size === 0 || undefined, 'the end of all connections');
    await app.stop();
  });

  /** Asks once, and then waits for the server to close: what came by then, and whether it is open. */
  const ask = async (text = head(), localAddress = '127.0.0.1'): Promise<{ stream: Stream; answer: string }> => {
    const stream = connect({ port: Number(new URL(app.url).port), host: '127.0.0.1', localAddress });
    streams.push(stream);
    let answer = '';
    await new Promise<void>((resolve) => {
      stream.on('connect', () => stream.write(text));
      stream.on('error', () => undefined).on('close', () => resolve());
      stream.on('data', (piece: Buffer) => {
        answer += piece.toString('latin1');
        if (answer.includes('"ok"') || answer.includes('101 Switching')) resolve();
      });
    });
    return { stream, answer };
  };
  const hold = async (count: number, localAddress?: string): Promise<Stream[]> => {
    const held: Stream[] = [];
    for (let i = 0; i < count; i++) held.push((await ask(head(), localAddress)).stream);
    return held;
  };
  const areOpen = (all: readonly Stream[]): boolean[] => all.map(({ readyState }) => readyState === 'open');

  it('make room where they wait for nothing, the longest first', async () => {
    await start();
    const held = await hold(MOST);
    // Used again: now the second has waited longest.
    const answered = new Promise((resolve) => held[0].once('data', resolve));
    held[0].write(head('Connection: keep-alive\r\n'));
    await answered;
    const newest = await hold(3);
    await eventually(() => held.slice(1, 4).every(({ readyState }) => readyState !== 'open') || undefined, 'room');
    expect(areOpen([held[0], ...held.slice(4), ...newest])).toEqual(Array(MOST).fill(true));
    expect(app.get(OpenConnections)).toMatchObject({ size: MOST, refused: 0 });
  });

  it('are refused where all are in use, with a line in the security log, and leave others theirs', async () => {
    await start();
    const logged = vi.spyOn(app.get(SecurityLog), 'log');
    const sockets = Array.from(
      { length: MOST },
      () => new WebSocket(`${app.url.replace('http', 'ws')}/socket/?EIO=4&transport=websocket`),
    );
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('message', resolve))));
    expect((await ask()).answer).toBe('');
    expect(logged.mock.calls).toEqual([['limit_reached', { network: '127.0.0.1' }]]);
    expect((await ask(head(), '127.0.0.2')).answer).toContain('200 OK');
    expect(sockets.every(({ readyState }) => readyState === WebSocket.OPEN)).toBe(true);
    // One goes, and there is room for one.
    sockets[0].terminate();
    await eventually(async () => (await ask()).answer.includes('200 OK') || undefined, 'room for one more');
    for (const socket of sockets) socket.terminate();
  });

  it('are closed without a word where nothing was asked: browsers would take it for the answer to what they ask next', async () => {
    await start();
    const [silent, slow] = await Promise.all([ask(''), ask('GET /health/live HTTP/1.1\r\nHo')]);
    expect(silent.answer).toBe('');
    expect(slow.answer).toContain('HTTP/1.1 400');
  });

  it('are any number where it is a proxy that is trusted', async () => {
    await start({ TRUST_PROXY: '127.0.0.1' });
    const [proxy, client] = [await hold(MOST + 5), await hold(MOST + 5, '127.0.0.2')];
    await eventually(() => areOpen(client).filter(Boolean).length === MOST || undefined, 'the bound');
    expect(areOpen(proxy)).not.toContain(false);
  });

  it('count once where they ask for another protocol, and are idle after the answer', async () => {
    await start();
    const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
    for (let i = 0; i < MOST + 5; i++) expect((await ask(head(h2c))).answer).toContain('200 OK');
    expect(app.get(OpenConnections)).toMatchObject({ size: MOST, refused: 0 });
  });

  it('ask for another protocol in vain where there are no WebSockets', async () => {
    await start({ SOCKET_TRANSPORTS: 'polling' });
    expect((await ask(head('Connection: Upgrade\r\nUpgrade: h2c\r\n'))).answer).toContain('200 OK');
  });
});

describe('connections', () => {
  class FakeStream extends EventEmitter {
    destroyed = false;
    constructor(readonly remoteAddress: string) {
      super();
    }
    destroy(): void {
      this.destroyed = true;
      this.emit('close');
    }
  }

  const counting = (connectionsPerNetwork: number) => {
    const security = { log: () => undefined } as unknown as SecurityLog;
    const config = { rateLimits: true, connectionsPerNetwork };
    const open = new OpenConnections(config, new ClientNetworks({ trustProxy: false }), security);
    const server = new EventEmitter();
    open.attach(server as Server);
    const arrive = (address: string): FakeStream => {
      const stream = new FakeStream(address);
      server.emit('connection', stream);
      return stream;
    };
    const wait = (stream: FakeStream): void => {
      const response = new EventEmitter();
      server.emit('request', { socket: stream }, response);
      response.emit('close');
    };
    return { open, arrive, wait };
  };
  const left = (streams: readonly FakeStream[]): number => streams.filter(({ destroyed }) => !destroyed).length;

  it('are counted by /64, and ten times as many by /48', () => {
    const { open, arrive } = counting(3);
    const inOne = Array.from({ length: 5 }, (_, i) => arrive(`2001:db8:1:1::${i}`));
    expect(left(inOne)).toBe(3);
    const around = Array.from({ length: 40 }, (_, i) => arrive(`2001:db8:1:${(i + 2).toString(16)}::1`));
    expect(left(around)).toBe(27);
    expect(left([arrive('2001:db8:2::1'), arrive('198.51.100.1')])).toBe(2);
    around[0].destroy();
    expect(left([arrive('2001:db8:1:ff::1'), arrive('2001:db8:1:fe::1')])).toBe(1);
    expect(open.refused).toBe(2 + 13 + 1);
  });

  it('that wait for another request are so many in all, wherever they come from', () => {
    const { open, arrive, wait } = counting(5_000);
    const streams = Array.from({ length: MOST_IDLE + 10 }, (_, i) => arrive(`198.51.${i >> 8}.${i & 255}`));
    streams.forEach(wait);
    expect(streams.slice(0, 11).map(({ destroyed }) => destroyed)).toEqual([...Array<boolean>(10).fill(true), false]);
    expect(open.size).toBe(MOST_IDLE);
  });

  it('whose request is not here yet are so many of one network, whatever addresses it has', () => {
    const server = new EventEmitter();
    new UnfinishedRequests().attach(server as Server);
    const [other, ...streams] = ['198.51.100.1', ...Array.from({ length: 110 }, (_, i) => `2001:db8::${i}`)].map(
      (address) => {
        const stream = new FakeStream(address);
        server.emit('connection', stream);
        return stream;
      },
    );
    expect(streams.slice(0, 11).map(({ destroyed }) => destroyed)).toEqual([...Array<boolean>(10).fill(true), false]);
    expect(other.destroyed).toBe(false);
  });
});
