import type { Scenario } from './scenarios.js';

/** Steps 10 to 15 of docs/protocol.md. */
export const GROUPS: readonly Scenario[] = [
  {
    name: 'after a restart those who were in a group have half a minute to come back',
    waits: true,
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(a, group);
      await scene.enter(b, group);
      await scene.toGroup(a, group, 'Before');
      await scene.restart();
      await scene.get(ada, '/http/users');
      await scene.get(ada, '/http/chat_groups');
      const back = await scene.connect(ada);
      await scene.toGroup(back, group, 'After');
      await scene.get(ada, `/http/users/group/${group}`);
      await scene.get(alan, '/http/notifications');
      await scene.sees(ada, `/http/users/group/${group}`, (members) => members[1].is_in_group === false);
      await back.hears('message', { notice: { kind: 'left' } });
      await scene.get(alan, '/http/chat_groups');
    },
  },
  {
    name: 'a group is made, found in the list, and heard of by everybody',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      const open = await scene.group(ada, '  Engines ');
      await a.hears('group_update', { chat_group_id: open, is_member: true });
      await a.hears('notification', { chat_group_id: open });
      const secret = await scene.group(ada, 'Secret', true);
      await b.hears('group_update', { chat_group_id: secret, name: 'Secret' });
      for (const body of [
        {},
        { chat_group_name: '' },
        { chat_group_name: 'x'.repeat(101) },
        { chat_group_name: 'Mine', author_id: ada.id },
        { chat_group_name: 'Theirs', author_id: alan.id },
        { chat_group_name: 'x', is_private: 'yes' },
        { chat_group_name: 'x', author_id: null, is_private: null },
        { name: 'x' },
      ])
        await scene.ask(ada, 'POST', '/http/chat_groups', body);
      for (const person of [ada, alan]) {
        await scene.get(person, '/http/chat_groups');
        for (const id of [open, secret, 99]) await scene.get(person, `/http/users/group/${id}`);
      }
      await b.hears('group_update', { name: 'x' });
    },
  },
  {
    name: 'entering in three ways, leaving, and the notices of it',
    waits: true,
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(a, group);
      await a.hears('message', { notice: { kind: 'entered', user_ids: [ada.id] } });
      await scene.ask(alan, 'POST', `/http/chat_groups/${group}`, { is_enter: true });
      await b.hears('message', { notice: { kind: 'entered', user_ids: [alan.id] } });
      await scene.toGroup(a, group, 'Hello all');
      await scene.get(cyd, `/http/chat_groups/${group}?after=0`);
      await scene.get(cyd, `/http/chat_groups/${group}`);
      await a.hears('message', { notice: { kind: 'entered', user_ids: [cyd.id] } });
      await scene.get(ada, `/http/users/group/${group}`);
      await scene.enter(b, group);
      await scene.enter(b, group, false);
      await scene.enter(b, group, false);
      await scene.ask(alan, 'POST', `/http/chat_groups/${group}`, { is_enter: false });
      await a.hears('message', { notice: { kind: 'left', user_ids: [alan.id] } });
      await scene.enter(c, 99);
      await scene.enter(c, 99, false);
      await scene.send(c, { chat_type: 'group', chat_group_id: group, is_enter: 'yes' });
      await scene.ask(cyd, 'POST', `/http/chat_groups/${group}`, {});
      await a.hears('presence', { user_id: cyd.id, is_online: true });
      await scene.get(ada, `/http/users/group/${group}`);
      await scene.get(alan, '/http/chat_groups');
    },
  },
  {
    name: 'messages to a group: those who are in, those outside, and strangers',
    play: async (scene) => {
      const [[ada, a], [alan, b], [, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(a, group);
      await scene.enter(b, group);
      await scene.enter(b, group, false);
      await scene.toGroup(a, group, 'Hello all', { client_id: 'g1' });
      await b.hears('notification', { last_seq: 1, message: 'Hello all' });
      await scene.toGroup(a, group, 'Hello all', { client_id: 'g1' });
      await scene.toGroup(a, group, 'More');
      await b.hears('notification', { last_seq: 2 });
      // From outside: the writer's own devices hear how far they have read.
      await scene.toGroup(b, group, 'From outside');
      await b.hears('notification', { last_read_seq: 3 });
      await a.hears('message', { seq: 3 });
      await scene.toGroup(c, group, 'A stranger');
      await scene.toGroup(c, 99, 'No group');
      for (const list of ['chat_groups', 'notifications'])
        for (const who of [ada, alan]) await scene.get(who, `/http/${list}`);
      await scene.toGroup(a, group, 'Unread');
      await b.hears('notification', { last_seq: 4 });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_group_id: group, seq: 2 });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_group_id: group });
      await b.hears('notification', { last_read_seq: 4 });
      await a.hears('read', { user_id: alan.id, seq: 4 });
      await scene.get(alan, '/http/chat_groups');
      await scene.emit(a, 'typing', { chat_type: 'group', chat_group_id: group });
      await scene.emit(b, 'typing', { chat_type: 'group', chat_group_id: group });
      for (const [method, body] of [['PUT', { message: 'Edited' }], ['DELETE']] as const) {
        await scene.ask(alan, method, `/http/chat_groups/${group}/messages/3`, body);
        await scene.ask(ada, method, `/http/chat_groups/${group}/messages/3`, body);
      }
      await scene.ask(alan, 'DELETE', `/http/chat_groups/${group}/messages/1`);
      await scene.ask(alan, 'PUT', `/http/chat_groups/${group}/messages/1`, { message: 'mine' });
      await scene.get(alan, `/http/chat_groups/${group}?changes_after=0`);
      await scene.get(alan, '/http/chat_groups');
    },
  },
  {
    name: 'somebody who is in goes away: they are out, and what they were told is read',
    waits: true,
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      const group = await scene.group(ada, 'Engines');
      await scene.enterAlone(a, ada, group);
      await scene.enterAlone(b, alan, group);
      await scene.toGroup(a, group, 'one');
      await b.hears('message', { seq: 1 });
      await scene.get(alan, '/http/chat_groups');
      b.close();
      await scene.sees(ada, `/http/users/group/${group}`, (members) => members[1].is_in_group === false);
      await a.hears('message', { notice: { kind: 'left' } });
      await a.hears('presence', { user_id: alan.id, is_online: false });
      await a.hears('read', { user_id: alan.id, seq: 1 });
      await scene.toGroup(a, group, 'two');
      await scene.get(alan, '/http/chat_groups');
      await scene.get(alan, '/http/notifications');
      const back = await scene.connect(alan);
      await scene.enter(back, group);
      await back.hears('notification', { last_read_seq: 2 });
    },
  },
  {
    name: 'who enters without a socket has five seconds to open one',
    waits: true,
    play: async (scene) => {
      const alan = await scene.person('Alan');
      const [[ada, a]] = await scene.online('Ada');
      const group = await scene.group(ada, 'Engines');
      await scene.enterAlone(a, ada, group);
      await scene.get(alan, `/http/chat_groups/${group}`);
      await scene.get(ada, `/http/users/group/${group}`);
      await a.hears('message', { notice: { kind: 'entered', user_ids: [alan.id] } });
      await scene.sees(ada, `/http/users/group/${group}`, (members) => members[0].is_in_group === false);
    },
  },
  {
    name: 'a group gets another name and another owner',
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(b, group);
      const at = `/http/chat_groups/${group}`;
      await scene.ask(ada, 'PUT', '/http/chat_groups', { chat_group_id: group, chat_group_name: 'Looms' });
      await b.hears('group_update', { name: 'Looms' });
      await scene.ask(alan, 'PUT', at, { chat_group_name: 'Mine' });
      await scene.ask(cyd, 'PUT', at, { chat_group_name: 'Mine' });
      for (const body of [
        {},
        { owner_id: cyd.id },
        { owner_id: 999 },
        { chat_group_name: '', owner_id: 'x' },
        { owner_id: ada.id },
      ])
        await scene.ask(ada, 'PUT', at, body);
      await scene.ask(ada, 'PUT', at, { chat_group_name: 'Both', owner_id: alan.id });
      await a.hears('group_update', { owner_id: alan.id, is_in: false });
      await b.hears('group_update', { owner_id: alan.id, is_in: true });
      await scene.ask(ada, 'PUT', at, { owner_id: ada.id });
      await scene.get(ada, `/http/users/group/${group}`);
      await b.hears('group_update', { name: 'Both', owner_id: alan.id });
    },
  },
  {
    name: 'a group is deleted by its owner, for everybody',
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c], [dora, d]] = await scene.online('Ada', 'Alan', 'Cyd', 'Dora');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(a, group);
      await scene.enter(b, group);
      await scene.ask(cyd, 'POST', `/http/chat_groups/${group}`, { is_enter: true });
      await scene.enter(c, group, false);
      await scene.toGroup(a, group, 'Words');
      const at = `/http/chat_groups/${group}`;
      for (const who of [alan, dora]) await scene.ask(who, 'DELETE', at);
      await scene.ask(ada, 'DELETE', '/http/chat_groups/99');
      await scene.ask(ada, 'DELETE', at);
      for (const device of [a, b, c, d]) await device.hears('group_update', { chat_group_id: group, deleted: true });
      await scene.toGroup(b, group, 'Late');
      await scene.enter(d, group);
      await scene.get(alan, at);
      await scene.get(alan, '/http/notifications');
      for (const who of [ada, dora]) await scene.get(who, '/http/chat_groups');
      await scene.ask(ada, 'DELETE', at);
    },
  },
  {
    name: 'two hundred groups, and no more',
    play: async (scene) => {
      const [ada, alan] = [await scene.person('Ada'), await scene.person('Alan')];
      for (let i = 0; i < 200; i++)
        await scene.wire.fetch('POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: `G${i}` } });
      await scene.ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'One more' });
      const group = await scene.group(alan, 'Given');
      await scene.ask(alan, 'POST', `/http/chat_groups/${group}/members`, { user_id: ada.id });
      await scene.ask(alan, 'PUT', `/http/chat_groups/${group}`, { owner_id: ada.id });
    },
  },
];
