// What a connection sends costs as much as docs/protocol.md says, under "Counted packets".
import { afterAll, afterEach, beforeAll, describe, expect, it, type MockInstance, vi } from 'vitest';
import { BYTES_OF_ONE, PACKET_COSTS } from '../../src/common/limits/limits.js';
import { Traffic } from '../../src/sockets/transport/traffic.js';
import { TestApp } from '../support/app.js';
import { type ChatSocket, next, open, Person, sendTo } from '../support/client.js';

const [packet, piece, request, join, refusal] = (['packet', 'bytes', 'request', 'join', 'refusal'] as const).map(
  (name) => PACKET_COSTS[name].cost,
);

describe.each([
  ['websocket', 0],
  ['polling', request],
])('what comes by %s', (transport, carriage) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let socket: ChatSocket;
  let takes: MockInstance<Traffic['takes']>;

  beforeAll(async () => {
    takes = vi.spyOn(Traffic.prototype, 'takes');
    app = await TestApp.start('sqlite');
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    socket = open(app, { transports: [transport], auth: { token: ada.token } });
    await next(socket, 'connect');
  });
  afterEach(() => takes.mockClear());
  afterAll(async () => {
    takes.mockRestore();
    socket.disconnect();
    await app.stop();
  });

  /** Nothing else comes in meanwhile: the next ping is half a minute away. */
  const costs = (): number => takes.mock.calls.reduce((sum, [cost]) => sum + cost, 0);

  it('joins', () => expect(costs()).toBe(carriage + packet + join));

  it('is stored', async () => {
    expect((await sendTo(socket, bob.id, 'x')).ok).toBe(true);
    expect(costs()).toBe(carriage + packet);
  });

  it('is long', async () => {
    expect((await sendTo(socket, bob.id, 'ß'.repeat(4_000))).ok).toBe(true);
    // Bytes, not characters.
    expect(costs()).toBe(carriage + packet + piece);
  });

  it.each([
    ['refused', 'x'.repeat(4_096), 'invalid'],
    ['too large', 'x'.repeat(70_000), 'too_large'],
  ])('is %s', async (_, text, code) => {
    expect((await sendTo(socket, bob.id, text)).error.code).toBe(code);
    // What stands around the text takes the first beyond 4 KiB, and fits behind 70,000.
    const pieces = code === 'invalid' ? 1 : Math.floor(70_000 / BYTES_OF_ONE);
    expect(costs()).toBe(carriage + packet + pieces * piece + refusal);
  });

  it('is known to nobody', async () => {
    expect((await (socket as any).timeout(10_000).emitWithAck('nothing')).error.code).toBe('unknown_event');
    expect(costs()).toBe(carriage + packet + refusal);
  });

  // The last: by polling, its goodbye costs something as well.
  it('joins in vain', async () => {
    await next(open(app, { transports: [transport], auth: { token: 'x' } }), 'connect_error');
    expect(costs()).toBe(carriage + packet + join + refusal);
  });
});
