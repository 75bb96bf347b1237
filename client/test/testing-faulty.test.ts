import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParleyError } from '../src/errors.js';
import { FakeClock, type Faults, faulty, faultyFetch } from '../src/testing/index.js';
import type { Transport, TransportEvents, TransportFactory } from '../src/seams.js';

const TO = { url: 'http://parley.test/', token: 'a token', transports: ['websocket'] as const };

/** The server's end, which the test moves. */
class Inner {
  events!: TransportEvents;
  readonly got: unknown[] = [];
  isClosed = false;

  constructor(private readonly clock: FakeClock) {}

  readonly factory: TransportFactory = (_to, events) => {
    const pending = new Set<(reason: ParleyError) => void>();
    this.events = {
      ...events,
      closed: (reason) => {
        for (const fail of pending) fail(new ParleyError('offline', 'inner'));
        events.closed(reason);
      },
    };
    return {
      emit: (event, payload, timeout_ms) =>
        new Promise((resolve, reject) => {
          this.got.push(payload);
          pending.add(reject);
          // A packet called `silent` is not answered.
          if (event === 'silent') this.clock.after(timeout_ms, () => reject(new ParleyError('timeout', 'inner')));
          else this.clock.after(20, () => resolve({ ok: true, payload }));
        }),
      close: () => (this.isClosed = true),
    };
  };
}

/** Whatever a client sees of a transport, with its time. */
function watch(clock: FakeClock, factory: TransportFactory) {
  const seen: string[] = [];
  const see = (what: string): void => void seen.push(`${clock.now()} ${what}`);
  const transport: Transport = factory(TO, {
    open: (name) => see(`open ${name}`),
    event: (name, payload) => see(`event ${name} ${String(payload)}`),
    closed: ({ code }) => see(`closed ${code}`),
  });
  const outcomes: string[] = [];
  const emit = (event: string, payload: number, timeout: number): void => {
    const at = outcomes.push('pending') - 1;
    const settled = (what: string): void => {
      expect(outcomes[at]).toBe('pending');
      outcomes[at] = what;
      see(`${payload} ${what}`);
    };
    transport.emit(event, payload, timeout).then(
      (answer) => settled(`answered ${(answer as { payload: number }).payload}`),
      ({ code }: ParleyError) => settled(code),
    );
  };
  return { seen, outcomes, emit, close: () => transport.close() };
}

const share = fc.constantFrom(0, 0, 0.3, 1);
const range = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.nat(most)).map(([a, more]) => [a, a + more] as const);
const anyFaults = fc.record(
  {
    seed: fc.integer(),
    lose: share,
    double: share,
    reorder: share,
    delay_ms: range(0, 200),
    cut_every_ms: range(1, 3_000),
  },
  { requiredKeys: ['seed'] },
);
const step = fc.record({
  kind: fc.constantFrom('event', 'event', 'emit', 'emit', 'silent', 'closed', 'close'),
  ms: fc.nat(300),
});

/** Plays a script; returns what a client saw. */
async function play(faults: Omit<Faults, 'clock'>, steps: readonly { kind: string; ms: number }[]) {
  const clock = new FakeClock(0);
  const inner = new Inner(clock);
  const seen = watch(clock, faulty(inner.factory, { ...faults, clock }));
  inner.events.open('websocket');
  let isInnerOver = false;
  for (const [i, { kind, ms }] of steps.entries()) {
    if (kind === 'event' && !isInnerOver && !inner.isClosed) inner.events.event('message', i);
    else if (kind === 'emit' || kind === 'silent') seen.emit(kind, i, 1_000);
    else if (kind === 'closed' && !isInnerOver && !inner.isClosed) {
      isInnerOver = true;
      inner.events.closed(new ParleyError('offline', 'the server'));
    } else if (kind === 'close') {
      seen.close();
      seen.seen.push('close');
    }
    await clock.pass(ms);
  }
  await clock.pass(10_000);
  return { ...seen, inner, clock };
}

describe('faults between a client and a server', () => {
  it('never break what a transport promises', () =>
    fc.assert(
      fc.asyncProperty(anyFaults, fc.array(step, { maxLength: 25 }), async (faults, steps) => {
        const { seen, outcomes, inner, clock } = await play(faults, steps);
        const events = seen.filter((one) => / (open|event|closed) /.test(one) || one === 'close');
        const end = events.findIndex((one) => one === 'close' || one.includes('closed'));
        if (end >= 0) expect(events.slice(end + 1).filter((one) => one !== 'close')).toEqual([]);
        expect(events.filter((one) => one.includes(' open ')).length).toBeLessThanOrEqual(1);
        const first = events.findIndex((one) => one.includes(' event '));
        if (first >= 0 && !faults.reorder)
          expect(events.findIndex((one) => one.includes(' open '))).toBeLessThan(first);
        // Each is answered, or rejects by its time; its answer is its own.
        expect(outcomes).not.toContain('pending');
        for (const outcome of outcomes) expect(outcome).toMatch(/^(answered \d+|timeout|offline)$/);
        for (const one of seen) {
          const [, number, answered] = /^\d+ (\d+) answered (\d+)$/.exec(one) ?? [];
          expect(answered).toBe(number);
        }
        if (end >= 0) expect(inner.isClosed).toBe(true);
        expect(clock.waiting).toBe(0);
      }),
    ));

  it('are the same by the same seed', () =>
    fc.assert(
      fc.asyncProperty(anyFaults, fc.array(step, { maxLength: 25 }), async (faults, steps) => {
        expect((await play(faults, steps)).seen).toEqual((await play(faults, steps)).seen);
      }),
    ));

  it('that are none change nothing', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { seen, inner } = await play({ seed: 1 }, steps);
        const first = steps.findIndex(({ kind }) => kind === 'closed' || kind === 'close');
        const before = first < 0 ? steps : steps.slice(0, first);
        const numbers = (kinds: readonly string[]) =>
          before.flatMap(({ kind }, i) => (kinds.includes(kind) ? [i] : []));
        expect(inner.got).toEqual(numbers(['emit', 'silent']));
        expect(seen.flatMap((one) => /event message (\d+)/.exec(one)?.[1] ?? []).map(Number)).toEqual(
          numbers(['event']),
        );
      }),
    ));

  it('keep the order of events and of packets unless they are to reorder them', () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), share, share, range(0, 300), async (seed, lose, double, delay_ms) => {
        const steps = Array.from({ length: 20 }, (_, i) => ({ kind: i % 2 ? 'emit' : 'event', ms: i % 3 }));
        const { seen, inner } = await play({ seed, lose, double, delay_ms }, steps);
        const events = seen.flatMap((one) => /event message (\d+)/.exec(one)?.[1] ?? []).map(Number);
        for (const numbers of [events, inner.got as number[]])
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }),
    ));

  it('lose, double, delay, reorder and cut', async () => {
    const events = Array.from({ length: 30 }, () => ({ kind: 'event', ms: 10 }));
    const emits = Array.from({ length: 30 }, () => ({ kind: 'emit', ms: 10 }));
    const lost = await play({ seed: 1, lose: 0.5 }, [...events, ...emits]);
    const arrived = lost.seen.filter((one) => one.includes('event')).length;
    expect(arrived).toBeGreaterThan(5);
    expect(arrived).toBeLessThan(25);
    // Some never came to the server, some came and were not answered.
    const timedOut = lost.outcomes.filter((one) => one === 'timeout').length;
    expect(inRange(lost.inner.got.length, 5, 25) && timedOut > 30 - lost.inner.got.length).toBe(true);

    const doubled = await play({ seed: 1, double: 1 }, [...events, ...emits]);
    expect(doubled.seen.filter((one) => one.includes('event'))).toHaveLength(60);
    expect(doubled.inner.got).toHaveLength(60);

    const delayed = await play({ seed: 1, delay_ms: [100, 100] }, [
      { kind: 'emit', ms: 0 },
      { kind: 'event', ms: 0 },
    ]);
    expect(delayed.seen).toEqual(['100 open websocket', '100 event message 1', '220 0 answered 0']);

    const reordered = await play({ seed: 1, reorder: 0.5 }, events);
    const numbers = reordered.seen.flatMap((one) => /event message (\d+)/.exec(one)?.[1] ?? []).map(Number);
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers).toHaveLength(30);

    const cut = await play({ seed: 1, cut_every_ms: [100, 100] }, [{ kind: 'silent', ms: 200 }]);
    expect(cut.seen).toEqual(['0 open websocket', '100 closed offline', '100 0 offline']);
  });
});

const inRange = (number: number, least: number, most: number): boolean => number >= least && number <= most;

describe('faults of requests', () => {
  const asked = async (faults: object, count = 40) => {
    const clock = new FakeClock(0);
    let reached = 0;
    const inner = (() => {
      reached++;
      return Promise.resolve(new Response('fine'));
    }) as typeof fetch;
    const faultyOne = faultyFetch(inner, { seed: 1, clock, ...faults });
    const outcomes = Array.from({ length: count }, () =>
      faultyOne('http://parley.test/').then(
        (answer) => answer.text(),
        (error: Error) => `${error.name}: ${error.message}`,
      ),
    );
    await clock.pass(1_000);
    return { outcomes: await Promise.all(outcomes), reached };
  };

  it('are refused before they reach the server, or done and not answered', async () => {
    const refused = await asked({ refuse: 0.5 });
    const failures = refused.outcomes.filter((one) => one === 'TypeError: fetch failed').length;
    expect(inRange(failures, 5, 35)).toBe(true);
    expect(refused.reached).toBe(40 - failures);
    const lost = await asked({ lose: 1 });
    expect(new Set(lost.outcomes)).toEqual(new Set(['TypeError: fetch failed']));
    expect(lost.reached).toBe(40);
    expect((await asked({ refuse: 0.5 })).outcomes).toEqual(refused.outcomes);
    expect(new Set((await asked({})).outcomes)).toEqual(new Set(['fine']));
  });

  it('come late, and can be given up meanwhile', async () => {
    const clock = new FakeClock(0);
    let reached = 0;
    const inner = (() => Promise.resolve(new Response(String(++reached)))) as typeof fetch;
    const late = faultyFetch(inner, { seed: 1, delay_ms: [100, 100], clock });
    const stop = new AbortController();
    const given = late('http://parley.test/', { signal: stop.signal }).catch((error: Error) => error.message);
    let answeredAt = -1;
    const waited = late('http://parley.test/').then(() => (answeredAt = clock.now()));
    await clock.pass(50);
    stop.abort(new Error('enough'));
    expect(await given).toBe('enough');
    await clock.pass(1_000);
    await waited;
    expect([answeredAt, reached]).toEqual([200, 1]);
  });
});
