import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ParleyClient } from '../src/client.js';
import { when } from '../src/store.js';
import { fakePage, fakeServer } from '../src/testing/index.js';
import type { Member } from '../src/data.js';
import type { Group } from '../src/types.js';
import { TestApp } from '../../test/support/app.js';
import { call, eventually } from '../../test/support/client.js';
import { groupId, type Known, knownClient, newClient, shown, shows, synced } from '../../test/support/person.js';

describe('groups', () => {
  let app: TestApp;
  let ada: Known;
  let alan: Known;
  let grace: Known;

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    [ada, alan, grace] = [
      await knownClient(app, 'Ada'),
      await knownClient(app, 'Alan'),
      await knownClient(app, 'Grace'),
    ];
  });
  afterAll(() => app.stop());

  const seen = async (who: Known, group: Group): Promise<Group> => {
    const theirs = who.client.group(groupId(group));
    await when(theirs.info, (info) => info !== undefined);
    return theirs;
  };

  it('that are private are asked for, answered, and entered', async () => {
    const group = await ada.client.groups.create({ name: 'Analytical engines', is_private: true });
    group.attach();
    const theirs = await seen(alan, group);
    expect(theirs.info.get()).toMatchObject({ standing: 'closed', member_count: null, is_owner: false });
    expect(theirs.may.get()).toEqual({ write: false, why_not: 'not_member' });
    const told: string[] = [];
    ada.client.on('access', ({ user_id, status }) => void told.push(`${user_id} ${status}`));
    expect(await theirs.askToJoin()).toBe('asked');
    expect(theirs.info.get()?.standing).toBe('asked');
    await when(group.requests, (requests) => requests.length === 1);
    expect(group.requests.get()[0]?.user.first_name).toBe('Alan');
    await group.answer(alan.id, false);
    await when(theirs.info, (info) => info?.standing === 'refused');
    expect(group.requests.get()).toEqual([]);
    expect(told).toEqual([`${alan.id} pending`, `${alan.id} refused`]);
    await expect(theirs.askToJoin()).rejects.toMatchObject({ code: 'rate_limited' });

    const hers = await seen(grace, group);
    await hers.askToJoin();
    await when(group.requests, (requests) => requests.length === 1);
    await group.answer(grace.id, true);
    await when(hers.info, (info) => info?.standing === 'member');
    expect(hers.may.get()).toEqual({ write: true });
    await when(grace.client.inbox, ({ rows }) => rows.some(({ key }) => key === hers.key));
    await when(group.members, (members) => members.length === 2);
  });

  it('is entered while one looks, and left when one looks away', async () => {
    const group = await ada.client.groups.create({ name: 'Looms' });
    const theirs = await seen(alan, group);
    await theirs.join();
    const view = theirs.attach();
    group.attach();
    await view.ready;
    await when(group.members, (members) => members.some(({ id, is_in_group }) => id === alan.id && is_in_group));
    await group.send('seen at once');
    await shows(theirs, ['seen at once']);
    expect(theirs.summary.get()?.unread).toBe(0);
    view.look(false);
    await when(group.members, (members) => members.some(({ id, is_in_group }) => id === alan.id && !is_in_group), {
      signal: AbortSignal.timeout(20_000),
    });
    await group.send('unread');
    await when(alan.client.inbox, ({ rows }) => rows.some(({ key, unread }) => key === theirs.key && unread === 1));
    // The timeline goes on while nobody looks.
    await when(theirs.timeline, () => shown(theirs).includes('unread'));
    view.look(true);
    await when(alan.client.inbox, ({ unread }) => unread === 0);
    view.detach();
  });

  it('changes hands, names and members, as all see', async () => {
    const group = await ada.client.groups.create({ name: 'Cards' });
    await group.attach().ready;
    const theirs = await seen(alan, group);
    await group.add(alan.id);
    await when(theirs.info, (info) => info?.standing === 'member');
    await theirs.attach().ready;
    // She looks on, and is named owner by nobody.
    await group.add(grace.id);
    const hers = await seen(grace, group);
    await when(hers.info, (info) => info?.standing === 'member');
    await hers.attach().ready;
    const ownerOf = (members: readonly Member[]) => members.find(({ role }) => role === 'owner')?.id;
    await when(hers.members, (members) => ownerOf(members) === ada.id);
    await group.rename('Punched cards');
    await when(theirs.info, (info) => info?.name === 'Punched cards');
    expect(alan.client.inbox.get().rows.find(({ key }) => key === theirs.key)?.title).toBe('Punched cards');
    await group.handOver(alan.id);
    await when(theirs.info, (info) => info?.is_owner === true);
    await when(group.info, (info) => info?.is_owner === false);
    for (const one of [group, theirs, hers]) await when(one.members, (members) => ownerOf(members) === alan.id);
    await hers.leave();
    await theirs.remove(ada.id);
    await when(group.info, (info) => info?.standing === 'closed');
    expect(group.may.get()).toEqual({ write: false, why_not: 'not_member' });
    expect(ada.client.inbox.get().rows.some(({ key }) => key === group.key)).toBe(false);
    await expect(group.send('no')).rejects.toMatchObject({ code: 'not_found' });
    expect(await group.askToJoin()).toBe('asked');
    await theirs.leave();
    await when(theirs.info, (info) => info === undefined);
    expect(theirs.may.get()).toEqual({ write: false, why_not: 'gone' });
    await when(group.info, (info) => info === undefined);
  });

  it('is deleted by its owner, for everybody', async () => {
    const group = await ada.client.groups.create({ name: 'Drafts' });
    const theirs = await seen(alan, group);
    await theirs.join();
    await theirs.attach().ready;
    await theirs.send('a draft');
    await expect(theirs.deleteGroup()).rejects.toMatchObject({ code: 'forbidden' });
    expect(theirs.info.get()?.standing).toBe('member');
    await group.deleteGroup();
    expect(group.info.get()).toBeUndefined();
    expect(ada.client.inbox.get().rows.some(({ key }) => key === group.key)).toBe(false);
    for (const one of [group, theirs]) {
      await when(one.info, (info) => info === undefined);
      expect(one.may.get()).toEqual({ write: false, why_not: 'gone' });
      expect(one.timeline.get().items).toEqual([]);
    }
    await expect(group.deleteGroup()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('says who writes, also where the author has left', async () => {
    const group = await ada.client.groups.create({ name: 'Past' });
    const theirs = await seen(alan, group);
    await theirs.join();
    await theirs.send('I was here');
    await theirs.leave();
    expect(theirs.info.get()?.standing).toBe('open');
    await group.attach().ready;
    await shows(group, ['I was here']);
    expect(ada.client.users.get(alan.id).get()?.first_name).toBe('Alan');
    const erased = await knownClient(app, 'Joan');
    const hers = await seen(erased, group);
    await hers.join();
    await hers.send('and I');
    const { token } = erased;
    await call(app, 'PUT', '/http/users/profile', { token, body: { first_name: 'Joanna' } });
    await when(ada.client.users.get(erased.id), (user) => user?.first_name === 'Joanna');
  });

  it('attention goes to who does not look, and not for one’s own', async () => {
    const group = await ada.client.groups.create({ name: 'Attention' });
    const theirs = await seen(alan, group);
    await theirs.join();
    const told: string[] = [];
    ada.client.on('attention', ({ title, message }) => void told.push(`${title}: ${message.message}`));
    const view = group.attach();
    await view.ready;
    await when(group.members, (members) => members.some(({ id, is_in_group }) => id === ada.id && is_in_group));
    await theirs.send('while she looks');
    await when(group.timeline, () => shown(group).includes('while she looks'));
    await group.send('her own');
    await alan.client.room(ada.id).send('elsewhere');
    await eventually(() => told.length > 0 || undefined);
    expect(told).toEqual(['Alan Lovelace: elsewhere']);
    view.detach();
  });
});

it('a group of one’s list is written to where the device starts without a network', async () => {
  const server = fakeServer();
  const ada = server.person({ first_name: 'Ada' });
  const id = server.group('Engines', { owner: ada });
  const device = server.device();
  const options = { ...device.options, page: fakePage() };
  const before = await ada.client(options);
  before.group(id).attach();
  await server.pass(10_000);
  await before.close();

  device.offline();
  const after = new ParleyClient(server.url, options);
  await after.resume();
  const group = after.group(id);
  expect(group.may.get()).toEqual({ write: true });
  expect(after.group(999).may.get()).toEqual({ write: false, why_not: 'not_member' });
  const sending = group.send('On the way home');
  device.online();
  await server.pass(60_000);
  expect(await sending).toMatchObject({ seq: 1 });
  expect(after.group(999).may.get()).toEqual({ write: false, why_not: 'gone' });
  await after.close();
});

it('a request that another device made is known, however new the group is', async () => {
  const app = await TestApp.start('sqlite');
  const [ada, alan] = [await knownClient(app, 'Ada'), await knownClient(app, 'Alan')];
  const device = newClient(app.url);
  await device.useToken(await app.createSession(alan.id));
  await synced(device);
  const made = await ada.client.groups.create({ name: 'Looms', is_private: true });
  // The others are told of it within a second.
  await alan.client.group(groupId(made)).askToJoin();
  const group = device.group(groupId(made));
  await expect.poll(() => group.info.get()?.standing).toBe('asked');
  await device.close();
  await app.stop();
});
