import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { when } from '../src/store.js';
import { TestApp } from '../../test/support/app.js';
import { groupId, knownClient, shown, shows } from '../../test/support/person.js';

describe('a client and the real server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
  });
  afterAll(() => app.stop());

  it('sends, receives, reads', async () => {
    const ada = await knownClient(app, 'Ada');
    const alan = await knownClient(app, 'Alan');
    const toAlan = ada.client.room(alan.id);
    const toAda = alan.client.room(ada.id);
    await toAlan.attach().ready;
    const first = await toAlan.send('Hello, Alan');
    expect(first).toMatchObject({ seq: 1, message: 'Hello, Alan', user_id: ada.id });
    await when(alan.client.inbox, (inbox) => inbox.unread === 1);
    const view = toAda.attach();
    await view.ready;
    await shows(toAda, ['Hello, Alan']);
    expect(toAda.timeline.get()).toMatchObject({ at_start: true, at_end: true, new_from: 1, below: 1 });
    toAda.seen(1);
    await when(toAlan.receipts, (receipts) => receipts.get(alan.id) === 1);
    await when(alan.client.inbox, (inbox) => inbox.unread === 0);
    await toAda.edit(1, 'x').catch((error: unknown) => expect(error).toMatchObject({ code: 'forbidden' }));
    await toAlan.edit(1, 'Hello, dear Alan');
    await shows(toAda, ['Hello, dear Alan']);
    await toAlan.delete(1);
    await shows(toAda, ['[deleted]']);
    await Promise.all([1, 2, 3, 4, 5].map((n) => toAlan.send(`message ${n}`)));
    await shows(toAda, ['[deleted]', 'message 1', 'message 2', 'message 3', 'message 4', 'message 5']);
    expect(shown(toAlan)).toEqual(shown(toAda));
    view.detach();
  });

  it('groups and the bot', async () => {
    const ada = await knownClient(app, 'Ada');
    const alan = await knownClient(app, 'Alan');
    const group = await ada.client.groups.create({ name: 'Engines' });
    await group.attach().ready;
    const id = groupId(group);
    await when(alan.client.groups.all, (all) => all.some((one) => one.id === id));
    const seen = alan.client.group(id);
    expect(seen.info.get()).toMatchObject({ standing: 'open', is_owner: false });
    await seen.join();
    seen.attach();
    await when(group.members, (members) => members.length === 2);
    await group.send('Hello all');
    await when(seen.timeline, ({ items }) => items.some((item) => item.message === 'Hello all'));
    const answer = ada.client.bot.ask('Hello');
    const done = await answer.done;
    expect(done?.user_id).toBeNull();
    ada.client.bot.attach();
    await when(ada.client.bot.timeline, ({ items }) => items.length === 2);
  });
});
