// Messages that are reported, groups that are frozen, and people who are suspended: what of it a client says and shows.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakePage, fakeServer } from '../src/testing/index.js';
import { memoryStorage } from '../src/storage.js';
import { when } from '../src/store.js';
import type { MessageItem } from '../src/data.js';
import type { Chat } from '../src/types.js';
import { TestApp } from '../../test/support/app.js';
import type { Person } from '../../test/support/client.js';
import { groupId, joinedClient, type Known, knownClient, openClient, until } from '../../test/support/person.js';
import { admin, staff } from '../../test/support/staff.js';

const last = (chat: Chat): MessageItem | undefined =>
  chat.timeline.get().items.findLast((item): item is MessageItem => item.kind === 'message');

let app: TestApp;
let grace: Person;
let ada: Known;
let alan: Known;
beforeAll(async () => {
  app = await TestApp.start('sqlite');
  grace = await staff(app, 'admin');
  [ada, alan] = [await knownClient(app, 'Ada'), await knownClient(app, 'Alan')];
});
afterAll(() => app.stop());

describe('a report', () => {
  it('hands over a message of a room or a group, once', async () => {
    await alan.client.room(ada.id).send('rude');
    const room = ada.client.room(alan.id);
    await room.attach().ready;
    await until(room.timeline, () => last(room)?.seq === 1);
    await room.report(1, 'abuse', 'He does not stop.');
    await room.report(1, 'spam');
    const group = await alan.client.groups.create({ name: 'Engines' });
    await group.add(ada.id);
    await group.send('buy this');
    await ada.client.group(groupId(group)).report(1, 'spam');
    const { body } = await admin(app, grace, 'GET', 'reports');
    expect(body).toMatchObject([
      { reason: 'spam', chat_type: 'group', seq: 1, reporter_id: ada.id },
      { reason: 'abuse', chat_type: 'room', seq: 1, reporter_id: ada.id },
    ]);
    await expect(alan.client.room(ada.id).report(1, 'other')).rejects.toMatchObject({ code: 'invalid' });
    await expect(room.report(99, 'other')).rejects.toMatchObject({ code: 'not_found' });
    await expect(room.report(1, 'other', 'x'.repeat(1_001))).rejects.toMatchObject({
      code: 'invalid',
      fields: { note: [expect.any(String)] },
    });
    await alan.client.room(ada.id).send('gone soon');
    await alan.client.room(ada.id).delete(2);
    await expect(room.report(2, 'other')).rejects.toMatchObject({ code: 'message_deleted' });
  });

  it('is refused past ten in a day, without a connection, and by servers that take none', async () => {
    const server = fakeServer();
    const [hers, his] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
    for (let i = 0; i < 11; i++) await his.says(hers, `message ${i}`);
    const client = await hers.client();
    await server.pass(1_000);
    const room = client.room(his.id);
    for (let seq = 1; seq <= 10; seq++) await room.report(seq, 'spam');
    await expect(room.report(11, 'spam')).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
    server.offline();
    await expect(room.report(1, 'spam')).rejects.toMatchObject({ code: 'offline' });
    server.online();
    const { fetch: asked, ...device } = server.device().options;
    const older = await hers.client({
      ...device,
      fetch: async (...args) => {
        const response = await asked!(...args);
        if (!(args[0] as string).endsWith('/http/server')) return response;
        return Response.json({ ...((await response.json()) as object), features: [] });
      },
    });
    await server.pass(1_000);
    await expect(older.room(his.id).report(1, 'spam')).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('a frozen group', () => {
  it('can be read and left, and is written to again when it thaws', async () => {
    const group = await ada.client.groups.create({ name: 'Quarrels' });
    await group.add(alan.id);
    const theirs = alan.client.group(groupId(group));
    await theirs.attach().ready;
    await when(theirs.may, ({ write }) => write);
    const freeze = (is_frozen: boolean) => admin(app, grace, 'PATCH', `groups/${groupId(group)}`, { is_frozen });
    expect((await freeze(true)).status).toBe(200);
    await until(theirs.may, ({ why_not }) => why_not === 'frozen');
    await until(group.info, (info) => info?.is_frozen === true);
    // What was on its way is refused for good, and kept.
    await expect(theirs.send('a last word')).rejects.toMatchObject({ code: 'group_frozen', retryable: false });
    expect(last(theirs)).toMatchObject({ state: 'failed', message: 'a last word' });
    await expect(group.rename('Peace')).rejects.toMatchObject({ code: 'group_frozen' });
    // As the list says it to a device that comes later.
    const another = openClient(app);
    await another.useToken(ada.token);
    await until(another.group(groupId(group)).may, ({ why_not }) => why_not === 'frozen');
    expect((await freeze(false)).status).toBe(200);
    await until(theirs.may, ({ write }) => write);
    const { client_id } = last(theirs)!;
    expect(await theirs.retry(client_id!)).toMatchObject({ seq: 1, message: 'a last word' });
    await freeze(true);
    await until(theirs.may, ({ why_not }) => why_not === 'frozen');
    await theirs.leave();
    await until(theirs.may, ({ why_not }) => why_not === 'not_member');
  });
});

describe('somebody who is suspended', () => {
  it('is signed out with the reason, leaves nothing behind but what waits, and does not come in', async () => {
    const storage = memoryStorage();
    const eve = await joinedClient(app, 'Eve', { storage, page: fakePage(), tabs: null });
    await eve.client.room(ada.id).send('a message that stays nowhere');
    await eve.client.room(ada.id).attach().ready;
    eve.client.room(ada.id).setDraft('begun');
    expect((await admin(app, grace, 'PATCH', `users/${eve.id}`, { is_suspended: true })).status).toBe(200);
    const auth = await until(eve.client.auth, ({ status }) => status === 'signed_out');
    expect(auth).toMatchObject({ last_email: eve.email, reason: { code: 'suspended' } });
    const kept = await storage.read('');
    expect(JSON.stringify([...kept])).not.toContain('stays nowhere');
    expect([...kept.keys()].sort()).toEqual([`draft:${eve.id}:room:${ada.id}`, 'last']);
    expect(eve.client.connection.get().state).toBe('idle');
    await expect(eve.client.login(eve.email, eve.password)).rejects.toMatchObject({
      code: 'suspended',
      retryable: false,
    });
    await admin(app, grace, 'PATCH', `users/${eve.id}`, { is_suspended: false });
    expect(await eve.client.login(eve.email, eve.password)).toMatchObject({ id: eve.id });
  });

  it('learns it in a test of an application, too', async () => {
    const server = fakeServer();
    const hers = server.person({ first_name: 'Ada' });
    const client = await hers.client();
    const group = server.group('Engines', { owner: hers });
    await server.pass(1_000);
    server.freeze(group);
    await server.pass(2_000);
    expect(client.group(group).may.get()).toEqual({ write: false, why_not: 'frozen' });
    server.suspend(hers);
    await server.pass(0);
    expect(client.auth.get()).toMatchObject({ status: 'signed_out', reason: { code: 'suspended' } });
    await expect(hers.client()).rejects.toMatchObject({ code: 'suspended' });
    server.suspend(hers, false);
    await hers.client();
  });
});
