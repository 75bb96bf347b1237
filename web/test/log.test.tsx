// @vitest-environment happy-dom
import { fakeServer } from 'parley-client/testing';
import { options, render, type VNode } from 'preact';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pageOf } from './page-client.js';

// happy-dom lays nothing out.
for (const [name, size] of [
  ['clientHeight', 600],
  ['clientWidth', 600],
  ['offsetHeight', 30],
] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
vi.stubGlobal(
  'ResizeObserver',
  class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  },
);

vi.mock('../src/parley.js', () => import('./page-client.js'));

/** The texts of the messages that are drawn while `work` runs. */
async function drawnBy(work: () => Promise<void>): Promise<string[]> {
  const drawn: string[] = [];
  // Preact's hook before each drawing, under its mangled name.
  const hooks = options as unknown as { __r?: (vnode: VNode) => void };
  const before = hooks.__r;
  hooks.__r = (vnode) => {
    before?.(vnode);
    const { row } = vnode.props as { row?: { item?: { message: string } } };
    if (typeof vnode.type === 'function' && vnode.type.name === 'MessageLine') drawn.push(row!.item!.message);
  };
  try {
    await work();
  } finally {
    if (before) hooks.__r = before;
    else delete hooks.__r;
  }
  return drawn;
}

describe('the list of messages', () => {
  const root = document.createElement('div');
  afterEach(() => render(null, root));

  it('draws a message that comes and the one before it, and nothing for what is typed', async () => {
    const { Log } = await import('../src/chat/log.js');
    const { createView } = await import('../src/chat/view.js');
    const server = fakeServer();
    const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
    const parley = pageOf(await ada.client());
    for (const text of ['one', 'two', 'three']) await alan.says(ada, text);
    await server.pass(1_000);
    const room = parley.room(alan.id);
    room.attach();
    await server.pass(1_000);
    document.body.append(root);
    const view = createView(room);
    const draw = (): void => render(<Log view={view} seq={undefined} />, root);
    const texts = (): string[] => [...root.querySelectorAll('.msg .body')].map((one) => one.textContent);
    draw();
    await expect.poll(texts).toEqual(['one', 'two', 'three']);
    const drawn = await drawnBy(async () => {
      room.setDraft('a thought');
      draw();
      await alan.says(ada, 'four');
      await server.pass(100);
      await expect.poll(texts).toEqual(['one', 'two', 'three', 'four']);
    });
    expect(new Set(drawn)).toEqual(new Set(['three', 'four']));
    await parley.close();
  });
});
