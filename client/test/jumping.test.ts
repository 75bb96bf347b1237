// Going to a place in a chat: by a link, before anything is known of it, and while something else is loaded.
import { describe, expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';
import type { ParleyOptions } from '../src/types.js';
import { shown } from '../../test/support/person.js';

/** Ada, to whom Alan has written, on a device that remembers nothing; and what she asked of the server's history. */
async function written(count: number) {
  const server = fakeServer({ rates: false });
  const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
  for (let i = 1; i <= count; i++) await alan.says(ada, `message ${i}`);
  const device = server.device();
  const asked: { url: string; status: number }[] = [];
  /** What is not to be answered. */
  const broken = { isHistory: false };
  const options: ParleyOptions = {
    ...device.options,
    fetch: async (input, init) => {
      const { pathname, search } = new URL(input as string);
      const isHistory = /chat_rooms\/\d+$/.test(pathname);
      if (isHistory && broken.isHistory) throw new TypeError('fetch failed');
      const answer = await device.options.fetch!(input, init);
      if (isHistory) asked.push({ url: search, status: answer.status });
      return answer;
    },
  };
  return { server, ada, alan, device, options, asked, broken };
}

describe('jumpTo', () => {
  it('waits for the lists, where nothing is known of the chat, and then begins there', async () => {
    const { server, ada, alan, options, asked } = await written(500);
    const parley = await ada.client(options);
    const room = parley.room(alan.id);
    const jump = room.jumpTo({ seq: 40 });
    const view = room.attach();
    await server.pass(5_000);
    expect(await jump).toBe(40);
    await view.ready;
    expect(shown(room)).toContain('message 40');
    expect(room.timeline.get()).toMatchObject({ at_end: false, new_from: 1 });
    await room.loadOlder();
    await room.loadNewer();
    expect(shown(room).slice(0, 2)).toEqual(['message 1', 'message 2']);
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    await parley.close();
  });

  it('is not undone by the first page of a chat that is opened at the same time', async () => {
    const { server, ada, alan, options } = await written(300);
    const parley = await ada.client(options);
    await server.pass(5_000);
    const room = parley.room(alan.id);
    const jump = room.jumpTo({ seq: 40 });
    room.attach();
    await server.pass(1_000);
    expect(await jump).toBe(40);
    expect(shown(room)).toContain('message 40');
    await parley.close();
  });

  it('leaves a chat that could not be read there to be read at its end', async () => {
    const { server, ada, alan, options, broken } = await written(300);
    const parley = await ada.client(options);
    await server.pass(5_000);
    const room = parley.room(alan.id);
    broken.isHistory = true;
    const jump = room.jumpTo({ seq: 40 });
    const view = room.attach();
    await expect(jump).rejects.toMatchObject({ code: 'offline' });
    broken.isHistory = false;
    await server.pass(60_000);
    await view.ready;
    expect(shown(room).at(-1)).toBe('message 300');
    await parley.close();
  });
});

describe('loadOlder', () => {
  it('asks for nothing above a chat that was empty when the connection broke', async () => {
    const { server, ada, alan, device, options, asked } = await written(0);
    const parley = await ada.client(options);
    await server.pass(5_000);
    const room = parley.room(alan.id);
    await room.attach().ready;
    device.offline();
    await server.pass(1_000);
    for (let i = 1; i <= 350; i++) await alan.says(ada, `message ${i}`);
    device.online();
    await server.pass(60_000);
    expect(room.timeline.get()).toMatchObject({ at_end: false, at_start: true });
    await room.loadOlder();
    await room.loadNewer();
    expect(shown(room)[0]).toBe('message 1');
    expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
    await parley.close();
  });
});
