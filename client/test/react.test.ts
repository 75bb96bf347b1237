import { Window } from 'happy-dom';
import { act, createElement as h, type ReactNode, StrictMode, useLayoutEffect } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestApp } from '../../test/support/app.js';
import { ParleyProvider, useAttached, useParley, useStore } from '../src/react.js';
import { computed, Value, when } from '../src/store.js';
import type { Attached, Chat } from '../src/types.js';
import { counted } from './support/counted.js';
import { listened } from './support/listened.js';
import { type Known, knownClient } from '../../test/support/person.js';

/* The bindings in React itself, on a document of happy-dom: only what React needs of one. */

const page = new Window();
const roots: Root[] = [];

beforeAll(() => {
  Object.assign(globalThis, { window: page, document: page.document, IS_REACT_ACT_ENVIRONMENT: true });
});
afterAll(async () => {
  for (const name of ['window', 'document', 'IS_REACT_ACT_ENVIRONMENT']) Reflect.deleteProperty(globalThis, name);
  await page.happyDOM.close();
});
afterEach(() => act(() => roots.splice(0).forEach((root) => root.unmount())));

/** Renders into a new element. @returns the text that stands there, and ways to render something else and to take it out */
function render(element: ReactNode): { text: () => string; again: (next: ReactNode) => void; unmount: () => void } {
  const container = page.document.createElement('div') as unknown as HTMLElement;
  const root = createRoot(container);
  roots.push(root);
  const again = (next: ReactNode): void => act(() => root.render(next));
  again(element);
  return { text: () => container.textContent ?? '', again, unmount: () => act(() => root.unmount()) };
}

/** Sets, and lets everybody be told. */
const change = (set: () => void): Promise<void> =>
  act(async () => {
    set();
  });

describe('useStore', () => {
  it('shows what the store holds, and each change of it', async () => {
    const store = new Value('one');
    const Shown = (): ReactNode => useStore(store);
    const { text } = render(h(StrictMode, null, h(Shown)));
    expect(text()).toBe('one');
    await change(() => store.set('two'));
    expect(text()).toBe('two');
  });

  it('renders again only where the result of an inline select differs', async () => {
    const store = new Value({ unread: 1, rows: ['a'] });
    const renders: number[] = [];
    const Unread = (): ReactNode => {
      const unread = useStore(store, (inbox) => inbox.unread);
      renders.push(unread);
      return unread;
    };
    const { text } = render(h(Unread));
    await change(() => store.set({ unread: 1, rows: ['a', 'b'] }));
    await change(() => store.set({ unread: 1, rows: [] }));
    expect(renders).toEqual([1]);
    await change(() => store.set({ unread: 2, rows: [] }));
    expect(renders).toEqual([1, 2]);
    expect(text()).toBe('2');
  });

  it('takes `same` for what makes a new object each time, and keeps the old one', async () => {
    const store = new Value({ names: ['Ada', 'Alan'], at: 0 });
    const shown: string[][] = [];
    const same = (a: string[], b: string[]): boolean => a.join() === b.join();
    const Names = (): ReactNode => {
      const short = useStore(
        store,
        ({ names }) => names.map((name) => name.slice(0, 2)),
        (a, b) => same(a, b),
      );
      shown.push(short);
      return short.join();
    };
    const { text, again } = render(h(Names));
    await change(() => store.set({ names: ['Ada', 'Alan'], at: 1 }));
    expect(shown).toHaveLength(1);
    // Rendered by its parent, with a new `select` and a new `same`.
    again(h(Names));
    expect(shown).toHaveLength(2);
    expect(shown[1]).toBe(shown[0]);
    await change(() => store.set({ names: ['Grace'], at: 2 }));
    expect(text()).toBe('Gr');
  });

  it('bears an inline select that makes a new object each time', async () => {
    const store = new Value([1, 2, 3]);
    const Odd = (): ReactNode => useStore(store, (all) => all.filter((one) => one % 2 === 1)).join();
    const { text } = render(h(StrictMode, null, h(Odd)));
    expect(text()).toBe('1,3');
    await change(() => store.set([5]));
    expect(text()).toBe('5');
  });

  it('uses what an inline select has of the props now', async () => {
    const store = new Value(['a', 'b']);
    const At = ({ place }: { place: number }): ReactNode => useStore(store, (all) => all[place]);
    const { text, again } = render(h(At, { place: 0 }));
    again(h(At, { place: 1 }));
    expect(text()).toBe('b');
    await change(() => store.set(['c', 'd']));
    expect(text()).toBe('d');
  });

  it('follows another store, and leaves the first', async () => {
    const [one, two] = [listened('one'), listened('two')];
    const Shown = ({ store }: { store: Value<string> }): ReactNode => useStore(store, (text) => text.toUpperCase());
    const { text, again, unmount } = render(h(StrictMode, null, h(Shown, { store: one.store })));
    again(h(StrictMode, null, h(Shown, { store: two.store })));
    expect(text()).toBe('TWO');
    expect([one.listeners(), two.listeners()]).toEqual([0, 1]);
    await change(() => two.store.set('three'));
    expect(text()).toBe('THREE');
    unmount();
    expect(two.listeners()).toBe(0);
  });

  it('misses no change between rendering and listening', async () => {
    const store = new Value(1);
    const Shown = (): ReactNode => {
      useLayoutEffect(() => store.set(2), []);
      return useStore(store);
    };
    const { text } = render(h(Shown));
    await change(() => {});
    expect(text()).toBe('2');
  });

  it('renders on a server', () => {
    const Count = (): ReactNode => useStore(new Value([1, 2, 3]), (all) => all.length);
    expect(renderToString(h(Count))).toBe('3');
  });
});

describe('useParley', () => {
  it('says what is missing', () => {
    const Lost = (): ReactNode => (useParley(), null);
    expect(() => renderToString(h(Lost))).toThrow('useParley() needs a <ParleyProvider client={…}> above it.');
  });
});

describe('useAttached, on a real server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
  });
  afterAll(() => app.stop());

  /** Ada, who counts what she asks, and has 120 messages with Alan, which nobody has loaded. */
  async function ada(): Promise<Known & { chat: Chat; asked: () => string[] }> {
    const { options, asked } = counted();
    // The document is React's alone.
    const [alan, me] = [
      await knownClient(app, 'Alan', { page: null }),
      await knownClient(app, 'Ada', { ...options, page: null }),
    ];
    for (let n = 1; n <= 120; n++) await alan.client.room(me.id).send(`message ${n}`);
    const chat = me.client.room(alan.id);
    await when(chat.summary, (summary) => summary?.unread === 120);
    await alan.client.close();
    return { ...me, chat, asked };
  }

  const Timeline = ({ chat, tell }: { chat: Chat; tell?: (attached: Attached | undefined) => void }): ReactNode => {
    const attached = useAttached(chat);
    tell?.(attached);
    return useStore(chat.timeline, ({ items }) => items.length);
  };

  /** Waits for this text to be rendered. */
  const becomes = async (text: () => string, wanted: string): Promise<void> => {
    for (let turn = 0; text() !== wanted; turn++) {
      if (turn === 1_000) throw new Error(`"${text()}" was rendered, not "${wanted}".`);
      await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
    }
  };

  it('asks nothing twice in StrictMode', async () => {
    const { client, chat, asked } = await ada();
    const told: (Attached | undefined)[] = [];
    const before = asked().length;
    const { text, unmount } = render(
      h(StrictMode, null, h(ParleyProvider, { client }, h(Timeline, { chat, tell: (one) => told.push(one) }))),
    );
    await becomes(text, '100');
    await told.at(-1)!.ready;
    // What is sent by the socket is answered in its order: whatever was asked before has been counted by then.
    await act(async () => void (await chat.send('marker')));
    await becomes(text, '101');
    expect(asked().slice(before)).toEqual([
      expect.stringMatching(/^GET \/http\/chat_rooms\/\d+\?before=\d+&limit=100$/),
      'emit message',
    ]);
    expect(told[0]).toBeUndefined();
    unmount();
    await client.close();
  });

  it('keeps a chat that moves to another place of the page', async () => {
    const { client, chat, asked } = await ada();
    const Place = ({ chat: shown }: { chat: Chat }): ReactNode => h('p', null, h(Timeline, { chat: shown }));
    const { text, again, unmount } = render(h(StrictMode, null, h(Timeline, { chat })));
    await becomes(text, '100');
    await act(() => chat.loadOlder());
    await becomes(text, '120');
    const before = asked().length;
    again(h(StrictMode, null, h(Place, { chat })));
    await act(async () => void (await chat.send('marker')));
    await becomes(text, '121');
    expect(asked().slice(before)).toEqual(['emit message']);
    unmount();
    await client.close();
  });

  it('detaches with the last component: what nobody looks at keeps 100 messages', async () => {
    const { client, chat } = await ada();
    const two = render(h(StrictMode, null, h(Timeline, { chat }), ' ', h(Timeline, { chat })));
    await becomes(two.text, '100 100');
    await act(() => chat.loadOlder());
    await becomes(two.text, '120 120');
    two.again(h(StrictMode, null, h(Timeline, { chat })));
    await change(() => {});
    expect(chat.timeline.get()).toMatchObject({ new_from: 1 });
    expect(chat.timeline.get().items).toHaveLength(120);
    two.unmount();
    await change(() => {});
    expect(chat.timeline.get().items).toHaveLength(100);
    expect(chat.timeline.get().new_from).toBeUndefined();
    await client.close();
  });

  it('detaches in whichever order components come and go, and gives nobody the attachment of another chat', async () => {
    const attachments = { one: 0, two: 0 };
    const told: [string, Attached | undefined][] = [];
    const chats = (['one', 'two'] as const).map((key) => ({
      key,
      timeline: computed(new Value(0), () => ({ items: [] })),
      attach: (): Attached => {
        attachments[key]++;
        let isDetached = false;
        const detach = (): void => {
          if (!isDetached) attachments[key]--;
          isDetached = true;
        };
        return { ready: Promise.resolve(), look: () => {}, detach, [Symbol.dispose]: detach, key } as Attached;
      },
    })) as unknown as [Chat, Chat];
    const Shown = ({ chat }: { chat: Chat | undefined }): ReactNode => {
      told.push([chat?.key ?? 'none', useAttached(chat)]);
      return null;
    };
    const { again, unmount } = render(h(StrictMode, null, h(Shown, { chat: chats[0] })));
    await change(() => {});
    expect(attachments).toEqual({ one: 1, two: 0 });
    again(h(StrictMode, null, h(Shown, { chat: chats[1] })));
    await change(() => {});
    expect(attachments).toEqual({ one: 0, two: 1 });
    again(h(StrictMode, null, h(Shown, { chat: undefined })));
    await change(() => {});
    expect(attachments).toEqual({ one: 0, two: 0 });
    again(h(StrictMode, null, h(Shown, { chat: chats[0] })));
    unmount();
    await change(() => {});
    expect(attachments).toEqual({ one: 0, two: 0 });
    const given = told.filter(([, attached]) => attached !== undefined);
    expect(new Set(given.map(([key]) => key))).toEqual(new Set(['one', 'two']));
    for (const [key, attached] of given) expect(attached).toMatchObject({ key });
  });
});
