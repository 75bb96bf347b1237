import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { when } from '../src/store.js';
import { socketIo } from '../src/transport.js';
import { TestApp } from '../../test/support/app.js';
import { BadNetwork } from './support/bad-network.js';
import { randomOf } from './support/life.js';
import { type Known, knownClient, shown, shows, synced } from '../../test/support/person.js';

describe('a timeline', () => {
  let app: TestApp;
  let ada: Known;
  let alan: Known;
  let network: BadNetwork;

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    network = new BadNetwork(randomOf(1));
    ada = await knownClient(app, 'Ada', { transport: network.transport(socketIo), fetch: network.fetch(fetch) });
    alan = await knownClient(app, 'Alan');
    const room = alan.client.room(ada.id);
    for (let n = 1; n <= 450; n += 50)
      await Promise.all(Array.from({ length: 50 }, (_, k) => room.send(`message ${n + k}`)));
  });
  afterAll(() => app.stop());

  it('begins with the newest, and loads older pages up to the beginning', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    expect(room.timeline.get()).toMatchObject({ at_start: false, at_end: true, new_from: 1, below: 450 });
    expect(shown(room)[0]).toBe('message 351');
    const before = room.timeline.get().items;
    await Promise.all([room.loadOlder(), room.loadOlder()]);
    expect(shown(room)[0]).toBe('message 251');
    expect(
      room.timeline
        .get()
        .items.slice(-100)
        .every((item, n) => item === before[n]),
    ).toBe(true);
    for (let n = 0; n < 5; n++) await room.loadOlder();
    expect(shown(room)).toHaveLength(450);
    expect(room.timeline.get().at_start).toBe(true);
    view.detach();
    await when(room.timeline, ({ items }) => items.length === 100);
    expect(room.timeline.get().new_from).toBeUndefined();
  });

  it('jumps to a place, to a date, to what is new, and back to the end', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    expect(await room.jumpTo({ seq: 100 })).toBe(100);
    expect(room.timeline.get()).toMatchObject({ at_end: false, at_start: false });
    expect(shown(room)).toContain('message 100');
    expect(shown(room)).toContain('message 60');
    const [old] = await room.history({ after: 199, limit: 1 });
    expect(await room.jumpTo({ date: new Date(old.timestamp) })).toBe(200);
    expect(await room.jumpTo({ date: new Date('2001-01-01') })).toBe(1);
    expect(room.timeline.get().at_start).toBe(true);
    expect(await room.jumpTo('new')).toBe(1);
    await alan.client.room(ada.id).send('message 451');
    await when(room.timeline, ({ below }) => below === 451 - room.timeline.get().items.length);
    expect(shown(room)).not.toContain('message 451');
    for (; !room.timeline.get().at_end;) await room.loadNewer();
    expect(shown(room).at(-1)).toBe('message 451');
    expect(await room.jumpTo({ seq: 5 })).toBe(5);
    expect(await room.jumpTo('end')).toBe(451);
    expect(room.timeline.get().at_end).toBe(true);
    expect(await room.jumpTo({ seq: 9_999 })).toBe(451);
    view.detach();
  });

  it('finds what it missed: messages, edits and deletions', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    const theirs = alan.client.room(ada.id);
    const gaps: string[] = [];
    ada.client.on('gap', ({ kind }) => void gaps.push(kind));
    network.isDown = true;
    network.cut();
    await theirs.send('message 452');
    await theirs.edit(451, 'message 451, edited');
    await theirs.delete(450);
    network.isDown = false;
    ada.client.retryNow();
    await synced(ada.client);
    await when(room.timeline, ({ items }) => items.length >= 100 && shown(room).at(-1) === 'message 452');
    expect(shown(room).slice(-3)).toEqual(['[deleted]', 'message 451, edited', 'message 452']);
    view.detach();
  });

  it('keeps the reader’s place where too much was missed', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    network.isDown = true;
    network.cut();
    const theirs = alan.client.room(ada.id);
    for (let n = 0; n < 7; n++)
      await Promise.all(Array.from({ length: 50 }, (_, k) => theirs.send(`later ${n * 50 + k}`)));
    const last = shown(room).at(-1);
    network.isDown = false;
    ada.client.retryNow();
    await synced(ada.client);
    await when(room.timeline, ({ at_end }) => !at_end);
    expect(shown(room).at(-1)).toBe(last);
    expect(room.timeline.get().below).toBe(350);
    expect(await room.jumpTo('end')).toBe(802);
    view.detach();
  });

  it('begins at the end where nobody read while much was missed', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    await room.jumpTo('end');
    view.detach();
    await when(room.timeline, ({ items }) => items.length <= 100);
    network.isDown = true;
    network.cut();
    const theirs = alan.client.room(ada.id);
    for (let n = 0; n < 7; n++)
      await Promise.all(Array.from({ length: 50 }, (_, k) => theirs.send(`later still ${n * 50 + k}`)));
    network.isDown = false;
    ada.client.retryNow();
    await synced(ada.client);
    const again = room.attach();
    await when(room.timeline, ({ at_end }) => at_end && shown(room).at(-1) === 'later still 349');
    expect(shown(room)).toHaveLength(100);
    again.detach();
  });

  it('shows what is written also where nothing could be loaded yet', async () => {
    const joan = await knownClient(app, 'Joan');
    network.isDown = true;
    network.cut();
    await when(ada.client.connection, ({ state }) => state === 'waiting');
    const room = ada.client.room(joan.id);
    const view = room.attach();
    const sending = room.send('from the tunnel');
    expect(shown(room)).toEqual(['queued: from the tunnel']);
    const key = room.timeline.get().items[0]?.key;
    network.isDown = false;
    ada.client.retryNow();
    expect((await sending).seq).toBe(1);
    await view.ready;
    await shows(room, ['from the tunnel']);
    expect(room.timeline.get().items[0]?.key).toBe(key);
    view.detach();
  });

  it('edits and deletes at once, and takes back what is refused', async () => {
    const room = ada.client.room(alan.id);
    const view = room.attach();
    await view.ready;
    const { seq } = await room.send('mine');
    const edit = room.edit(seq, 'mine, edited');
    expect(room.timeline.get().items.at(-1)).toMatchObject({ message: 'mine, edited', pending: 'edit' });
    expect(await edit).toMatchObject({ message: 'mine, edited', change: expect.any(Number) });
    expect(room.timeline.get().items.at(-1)).toMatchObject({
      message: 'mine, edited',
      key: expect.stringMatching(/^[0-9a-f]+$/),
    });
    const wrong = room.edit(seq - 1, 'theirs');
    expect(room.timeline.get().items.at(-2)).toMatchObject({ message: 'theirs', pending: 'edit' });
    await expect(wrong).rejects.toMatchObject({ code: 'forbidden', status: 403 });
    expect(room.timeline.get().items.at(-2)).toMatchObject({ message: 'later still 349' });
    await room.delete(seq);
    expect(room.timeline.get().items.at(-1)).toMatchObject({ deleted: true, message: '' });
    await expect(room.edit(seq, 'again')).rejects.toMatchObject({ code: 'message_deleted' });
    view.detach();
  });

  it('says who types and how far the other has read', async () => {
    const room = ada.client.room(alan.id);
    const theirs = alan.client.room(ada.id);
    room.attach();
    const view = theirs.attach();
    await view.ready;
    theirs.typed();
    await when(room.typing, (ids) => ids.includes(alan.id));
    await room.send('read this');
    const { seq } = await theirs.send('I do');
    await when(room.typing, (ids) => ids.length === 0);
    await when(room.receipts, (receipts) => receipts.get(alan.id) === seq);
    await when(alan.client.inbox, ({ unread }) => unread === 0);
    expect(ada.client.room(alan.id).typing.get()).toEqual([]);
  });

  it('of a room that nobody has written in is empty, and begins with the first message', async () => {
    const grace = await knownClient(app, 'Grace');
    const room = grace.client.room(ada.id);
    await room.attach().ready;
    expect(room.timeline.get()).toMatchObject({ items: [], at_start: true, at_end: true });
    expect(await room.jumpTo('end')).toBe(0);
    await ada.client.room(grace.id).send('hello');
    await shows(room, ['hello']);
  });
});
