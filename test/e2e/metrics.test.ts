// What monitoring is told, and who is not told it.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { MetricsServer } from '../../src/api/metrics/metrics-server.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, Person, send, sendTo } from '../support/client.js';

const LABELS = /\{([^}]*)\}/;

onAllDialects('metrics', (dialect) => {
  let app: TestApp;
  afterEach(() => app.stop());

  const start = async (env: Record<string, string> = {}): Promise<TestApp> =>
    (app = await TestApp.start(dialect, { METRICS_PORT: '0', RATE_LIMITS: 'on', ...env }));
  const ask = (path = '/metrics', init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${app.get(MetricsServer).port}${path}`, init);
  /** Each value by its name with its labels. */
  const values = async (): Promise<Map<string, number>> => {
    const lines = (await (await ask()).text()).split('\n').filter((line) => line && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  };

  it('count what people do', async () => {
    await start();
    const [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    const [adas, bobs] = [await ada.connect(), await bob.connect()];
    for (const text of ['one', 'two', 'three']) await sendTo(adas, bob.id, text);
    await sendTo(adas, bob.id, '');
    await send(adas, { chat_type: `\n${ada.token}`, message: 'x' });
    await send(adas, { chat_type: 'bot', message: 'Hello' });
    await call(app, 'GET', '/http/chat_rooms/1?until=1', { token: ada.token });
    await call(app, 'GET', '/http/users', { token: 'wrong' });
    await call(app, 'GET', `/http/nothing/${ada.id}`);
    for (let i = 0; i < 100; i++) await send(adas, { chat_type: 'room' });

    const told = await values();
    expect(told.get('parley_sockets')).toBe(2);
    expect(told.get('parley_users_online')).toBe(2);
    expect(told.get('parley_messages_total{chat_type="room",result="stored"}')).toBe(3);
    expect(told.get('parley_messages_total{chat_type="bot",result="stored"}')).toBeGreaterThanOrEqual(1);
    expect(told.get('parley_messages_total{chat_type="room",result="refused"}')).toBeGreaterThan(1);
    expect(told.get('parley_message_ack_duration_seconds_count')).toBeGreaterThanOrEqual(4);
    expect(told.get('parley_append_batch_messages_sum')).toBeGreaterThanOrEqual(4);
    expect(told.get('parley_append_queue_messages')).toBe(0);
    expect(told.get('parley_events_total{event="message",result="ok"}')).toBeGreaterThanOrEqual(4);
    expect(told.get('parley_events_total{event="message",result="rate_limited"}')).toBeGreaterThan(0);
    expect(told.get('parley_rate_limited_total{limit="message"}')).toBeGreaterThan(0);
    expect(told.get('parley_http_request_duration_seconds_count{method="GET",route="/http/users",status="401"}')).toBe(
      1,
    );
    expect(told.get('parley_http_request_duration_seconds_count{method="GET",route="other",status="404"}')).toBe(1);
    expect(told.get('parley_db_query_duration_seconds_count{op="select"}')).toBeGreaterThan(0);
    expect(told.get('parley_db_query_duration_seconds_count{op="insert"}')).toBeGreaterThan(0);
    expect([...told.keys()].find((key) => key.startsWith('nodejs_eventloop_lag_seconds'))).toBeDefined();
    // Nobody is named, nor what a client may write.
    const labels = [...told.keys()].flatMap((key) => LABELS.exec(key)?.[1] ?? []).join('\n');
    expect(labels).not.toContain(ada.token);
    expect(labels).not.toMatch(new RegExp(`/http/(users|nothing)/${ada.id}`));
    [ada, bob].forEach((person) => person.hangUp());
    bobs.disconnect();
  });

  it('are those of the documentation, and nothing else is there', async () => {
    await start();
    const table = readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(parley_\w+)(?:\{([\w,]+)\})?`/gm);
    const documented = new Map([...table].map(([, name, labels = '']) => [name, labels]));
    const kept = (await (await ask()).text()).matchAll(/^# TYPE (parley_\w+)/gm);
    expect([...documented.keys()].sort()).toEqual([...kept].map(([, name]) => name).sort());
    expect((await ask('/')).status).toBe(404);
    expect((await ask('/metrics', { method: 'POST' })).status).toBe(405);
    expect((await ask('/metrics?x=1')).headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect((await call(app, 'GET', '/metrics')).status).toBe(404);
  });

  it('are asked nowhere unless there is a port', async () => {
    await start({ METRICS_PORT: '' });
    expect(app.get(MetricsServer).port).toBeUndefined();
  });
});

it('a port that is taken stops the start with what to do', async () => {
  const first = await TestApp.start('sqlite', { METRICS_PORT: '0' });
  const { port } = first.get(MetricsServer);
  await expect(TestApp.start('sqlite', { METRICS_PORT: String(port) })).rejects.toThrow(
    `METRICS_PORT ${port} on 127.0.0.1 cannot be listened to: EADDRINUSE. Set another.`,
  );
  await first.stop();
});
