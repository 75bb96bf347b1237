// What a link leads to, as `/with/5`: a chat that stands in no list, perhaps with somebody of whom no list says anything.
import { describe, expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';

describe('a chat that is in no list', () => {
  it('has a title as soon as it is known who or what it is, and is still in no list', async () => {
    const server = fakeServer();
    const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
    const engines = server.group('Engines', { owner: alan });
    const parley = await ada.client();
    const [room, group, nobody] = [parley.room(alan.id), parley.group(engines), parley.room(999)];
    for (const chat of [room, group, nobody]) {
      expect(chat.summary.get()).toBeUndefined();
      chat.attach();
    }
    const told: (string | undefined)[] = [];
    room.summary.listen((summary) => void told.push(summary?.title));
    await server.pass(100);

    expect(told).toEqual(['Alan']);
    expect(room.summary.get()).toMatchObject({ title: 'Alan', unread: 0, last_message: null });
    expect(room.summary.get()?.other).toBe(room.other.get());
    expect(group.summary.get()).toMatchObject({ title: 'Engines', unread: 0, last_message: null });
    expect(nobody.summary.get()).toBeUndefined();
    const gone = { write: false, why_not: 'gone' };
    expect(nobody.may.get()).toEqual(gone);
    expect(parley.room(ada.id).may.get()).toEqual(gone);
    expect(parley.group(999).may.get()).toEqual(gone);
    expect(room.may.get()).toEqual({ write: true });
    expect(parley.inbox.get().rows.map(({ key }) => key)).toEqual(['bot']);

    await alan.says(ada, 'Hello');
    await server.pass(100);
    expect(room.summary.get()).toMatchObject({ title: 'Alan', last_message: { message: 'Hello' } });
    expect(parley.inbox.get().rows.map(({ key }) => key)).toEqual([room.key, 'bot']);

    await parley.logout();
    expect(room.summary.get()).toBeUndefined();
    await parley.close();
  });

  it('says when the other was last here, also where only the list of rooms names them', async () => {
    const server = fakeServer({ rates: false });
    const ada = server.person({ first_name: 'Ada' });
    // The first page of the list of people, of which the client reads no more, ends before Alan.
    for (let i = 0; i < 1_000; i++) server.person({ first_name: `No ${i}` });
    const alan = server.person({ first_name: 'Alan' });
    await alan.says(ada, 'Hello');
    const his = await alan.client();
    await server.pass(1_000);
    await his.close();
    await server.pass(10_000);

    const device = server.device();
    const parley = await ada.client(device.options);
    await server.pass(1_000);
    const room = parley.room(alan.id);
    await server.pass(1_000);
    expect(room.other.get()).toMatchObject({ first_name: 'Alan', is_online: false, last_seen: null });
    room.attach();
    await server.pass(1_000);
    const first = room.other.get()?.last_seen;
    expect(first).toEqual(expect.any(String));

    // He comes and goes while she is away.
    device.offline();
    const again = await alan.client();
    await server.pass(60_000);
    await again.close();
    await server.pass(60_000);
    device.online();
    await server.pass(60_000);
    expect(Date.parse(room.other.get()?.last_seen ?? '')).toBeGreaterThan(Date.parse(first!));
    await parley.close();
  });
});

describe('who asks to be let in', () => {
  it('is known of every group whose requests are looked at, be it open or not', async () => {
    const server = fakeServer();
    const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
    const ids = ['One', 'Two', 'Three'].map((name) => server.group(name, { owner: ada, is_private: true }));
    const [parley, his] = [await ada.client(), await alan.client()];
    await server.pass(100);
    await his.group(ids[0]).askToJoin();
    await server.pass(100);

    const asking = (): number[] => ids.map((id) => parley.group(id).requests.get().length);
    expect(asking()).toEqual([0, 0, 0]);
    await server.pass(100);
    expect(asking()).toEqual([1, 0, 0]);

    await his.group(ids[2]).askToJoin();
    await server.pass(100);
    expect(asking()).toEqual([1, 0, 1]);

    server.offline();
    await server.pass(100);
    server.online();
    await server.pass(60_000);
    expect(asking()).toEqual([1, 0, 1]);
    expect(his.group(ids[0]).requests.get()).toEqual([]);
    for (const client of [parley, his]) await client.close();
  });
});
