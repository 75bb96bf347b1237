import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakePage, type FakeTab, fakeTabs } from '../src/testing/index.js';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Somebody who wants a lock, and what became of it. */
class Claim {
  state: 'waits' | 'has' | 'refused' | 'over' | 'rejected' = 'waits';
  readonly abort = new AbortController();
  release: () => void = () => {};

  constructor(
    readonly tab: FakeTab,
    readonly mode: 'exclusive' | 'shared',
    if_free = false,
  ) {
    const held = tab.lock('a lock', { mode, if_free, signal: this.abort.signal }, (got) => {
      this.state = got ? 'has' : 'refused';
      return got ? new Promise<void>((resolve) => (this.release = resolve)) : Promise.resolve();
    });
    held.then(
      () => (this.state = this.state === 'refused' ? 'refused' : 'over'),
      () => (this.state = 'rejected'),
    );
  }
}

const action = fc.oneof(
  fc.record({ kind: fc.constant('lock' as const), tab: fc.nat(2), isShared: fc.boolean(), ifFree: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('release' as const, 'abort' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constantFrom('kill' as const, 'freeze' as const, 'thaw' as const), tab: fc.nat(2) }),
);

describe('fake tabs', () => {
  it('share locks as Web Locks are shared, whoever asks, gives up, freezes or dies', () =>
    fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const tabs = fakeTabs(3);
        const dead = new Set<FakeTab>();
        const frozen = new Set<FakeTab>();
        const claims: Claim[] = [];
        const alive = () => claims.filter(({ tab }) => !dead.has(tab));
        for (const one of actions) {
          if (one.kind === 'lock')
            claims.push(new Claim(tabs[one.tab], one.isShared ? 'shared' : 'exclusive', one.ifFree));
          else if ('which' in one) {
            if (one.kind === 'release') claims[one.which]?.release();
            else claims[one.which]?.abort.abort(new Error('enough'));
          } else {
            tabs[one.tab][one.kind]();
            if (one.kind === 'kill') dead.add(tabs[one.tab]);
            if (one.kind === 'freeze') frozen.add(tabs[one.tab]);
            if (one.kind === 'thaw') frozen.delete(tabs[one.tab]);
          }
          await settle();
          const holders = alive().filter(({ state }) => state === 'has');
          if (holders.some(({ mode }) => mode === 'exclusive')) expect(holders).toHaveLength(1);
          // Whoever came first goes first. (One that is stopped may have got it without knowing it yet.)
          const waiting = alive().findIndex(({ state, tab }) => state === 'waits' && !frozen.has(tab));
          if (waiting >= 0 && frozen.size === 0)
            expect(
              alive()
                .slice(waiting)
                .filter(({ state }) => state === 'has'),
            ).toEqual([]);
          // Nobody waits for nothing.
          if (frozen.size === 0 && holders.length === 0) expect(waiting).toBe(-1);
        }
        for (const tab of tabs) tab.thaw();
        for (let i = 0; i < claims.length + 1; i++) {
          for (const claim of claims) claim.release();
          await settle();
        }
        expect(alive().filter(({ state }) => state === 'waits' || state === 'has')).toEqual([]);
      }),
      { numRuns: 300 },
    ));

  it('free their locks when they die, and wait for none any more', async () => {
    const [one, two] = fakeTabs(2);
    const [held, second, third] = [new Claim(one, 'exclusive'), new Claim(one, 'shared'), new Claim(two, 'exclusive')];
    await settle();
    expect([held.state, second.state, third.state]).toEqual(['has', 'waits', 'waits']);
    one.kill();
    await settle();
    expect([second.state, third.state]).toEqual(['waits', 'has']);
    expect(new Claim(one, 'shared', true).state).toBe('waits');
  });

  it('keep their locks while they are stopped, and learn later of those that they got', async () => {
    const [one, two] = fakeTabs(2);
    const [held, next] = [new Claim(one, 'exclusive'), new Claim(two, 'exclusive')];
    await settle();
    two.freeze();
    held.release();
    await settle();
    const third = new Claim(one, 'exclusive');
    await settle();
    expect([held.state, next.state, third.state]).toEqual(['over', 'waits', 'waits']);
    two.thaw();
    await settle();
    expect([next.state, third.state]).toEqual(['has', 'waits']);
  });

  it('give what the work gives, and throw what it throws', async () => {
    const [tab] = fakeTabs(1);
    await expect(tab.lock('a', { mode: 'exclusive' }, (got) => Promise.resolve(`${got}`))).resolves.toBe('true');
    await expect(tab.lock('a', { mode: 'exclusive' }, () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
    await expect(tab.lock('a', { mode: 'exclusive' }, (got) => Promise.resolve(got))).resolves.toBe(true);
    const signal = AbortSignal.abort(new Error('never'));
    await expect(tab.lock('a', { mode: 'exclusive', signal }, () => Promise.resolve(1))).rejects.toThrow('never');
  });

  it('do not run the work before whoever asks has gone on', async () => {
    const [tab] = fakeTabs(1);
    const order: string[] = [];
    const done = tab.lock('a', { mode: 'shared' }, () => Promise.resolve(order.push('work')));
    order.push('asked');
    await done;
    expect(order).toEqual(['asked', 'work']);
  });

  it('hear each other, and not themselves: copies, in order, and not at once', async () => {
    const [one, two, three] = fakeTabs(3);
    const heard: [string, unknown][] = [];
    one.hear((message) => heard.push(['one', message]));
    const end = two.hear((message) => heard.push(['two', message]));
    three.hear((message) => heard.push(['three', message]));
    const said = { n: 1 };
    one.tell(said);
    said.n = 2;
    expect(heard).toEqual([]);
    await settle();
    expect(heard).toEqual([
      ['two', { n: 1 }],
      ['three', { n: 1 }],
    ]);
    end();
    three.close?.();
    one.tell('nobody');
    three.tell('closed');
    await settle();
    expect(heard).toHaveLength(2);
  });

  it('that are stopped hear later what they missed, and those that are dead never', async () => {
    const [one, two, three] = fakeTabs(3);
    const heard: [string, unknown][] = [];
    two.hear((message) => heard.push(['two', message]));
    three.hear((message) => heard.push(['three', message]));
    two.freeze();
    three.kill();
    for (const message of ['a', 'b']) one.tell(message);
    three.tell('from the grave');
    await settle();
    expect(heard).toEqual([]);
    two.thaw();
    one.tell('c');
    await settle();
    expect(heard).toEqual(['a', 'b', 'c'].map((message) => ['two', message]));
  });
});

describe('a fake page', () => {
  it('is as it was told to be, and hears of it', () => {
    const page = fakePage();
    const heard: string[] = [];
    const end = page.hear((what) => heard.push(what));
    const state = () => [page.isVisible(), page.hasFocus(), page.isOnline()];
    expect(state()).toEqual([true, true, true]);
    page.happens('hidden');
    expect(state()).toEqual([false, false, true]);
    page.happens('visible');
    page.happens('offline');
    expect(state()).toEqual([true, false, false]);
    page.happens('focus');
    page.happens('online');
    expect(state()).toEqual([true, true, true]);
    end();
    page.happens('leave');
    expect(heard).toEqual(['hidden', 'visible', 'offline', 'focus', 'online']);
  });
});
