import type { Scenario } from './scenarios.js';

/** People, who sees whom, and who wants to hear nothing of whom. */
export const PEOPLE: readonly Scenario[] = [
  {
    name: 'the list of people, what is looked for in it, and a new name',
    play: async (scene) => {
      const offline = await scene.person('İbrahim');
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Łukasz');
      for (const query of [
        '',
        '?query=',
        '?query=ad',
        '?query=LUK',
        '?query=love',
        '?query=lovelace%20a',
        '?query=ibrahim%20l',
        '?query=x',
      ])
        await scene.get(ada, `/http/users${query}`);
      for (const query of [`?query=${'x'.repeat(162)}`, '?cursor=!', '?cursor=abc', '?no=1'])
        await scene.get(ada, `/http/users${query}`);
      for (const ids of [`${offline.id},1,${ada.id}`, '999', '1,1', '0', 'x', '1,', ''])
        await scene.get(ada, `/http/users?ids=${ids}`);
      await scene.get(ada, `/http/users?ids=1&query=x`);
      await scene.get(ada, `/http/users?ids=${Array.from({ length: 101 }, (_, i) => i + 1).join(',')}`);
      await scene.get(alan, '/http/users/profile');
      await scene.ask(alan, 'PUT', '/http/users/profile', { first_name: '  Alan ', last_name: '' });
      await a.hears('user_update', { id: alan.id, first_name: 'Alan' });
      await b.hears('user_update', { id: alan.id, first_name: 'Alan' });
      for (const body of [
        { first_name: '' },
        { first_name: 'a\nb' },
        { first_name: 'deleted', last_name: 'user' },
        { last_name: 7 },
        { email: 'x' },
        {},
        { first_name: null },
      ])
        await scene.ask(alan, 'PUT', '/http/users/profile', body);
      await scene.get(ada, '/http/users?query=alan');
    },
  },
  {
    name: 'who is online: a goodbye, a broken network, a return in time',
    waits: true,
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(a, alan, 'Hello');
      await a.hears('presence', { user_id: alan.id, is_online: true });
      b.drop();
      const back = await scene.connect(alan);
      back.close();
      await a.hears('presence', { user_id: alan.id, is_online: false });
      await scene.get(ada, '/http/users');
      await scene.get(ada, '/http/chat_rooms');
      const again = await scene.connect(alan);
      await a.hears('presence', { user_id: alan.id, is_online: true });
      await scene.ask(alan, 'GET', '/http/logout');
      await a.hears('presence', { user_id: alan.id, is_online: false });
      await scene.wire.until(() => again.told.some(({ name }) => name === 'closed') || undefined, 'the end');
      await scene.get(alan, '/http/users');
    },
  },
  {
    name: 'blocking: no messages, no presence, no drawing into groups',
    waits: true,
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      await scene.toRoom(a, alan, 'Hello', { client_id: 'a1' });
      await b.hears('presence', { user_id: ada.id, is_online: true });
      await a.hears('presence', { user_id: alan.id, is_online: true });
      const group = await scene.group(alan, 'Engines');
      await scene.ask(ada, 'PUT', `/http/users/${alan.id}/block`);
      await scene.ask(ada, 'PUT', `/http/users/${alan.id}/block`);
      await b.hears('presence', { user_id: ada.id, is_online: false });
      for (const id of [ada.id, 999, 'x']) await scene.ask(ada, 'PUT', `/http/users/${id}/block`);
      await scene.get(ada, '/http/users/blocked');
      await scene.get(alan, '/http/users/blocked');
      for (const person of [ada, alan])
        for (const list of ['users', 'chat_rooms']) await scene.get(person, `/http/${list}`);
      await scene.toRoom(a, alan, 'Are you there?');
      await scene.toRoom(b, ada, 'Are you?', { client_id: 'b1' });
      await scene.toRoom(a, alan, 'Hello', { client_id: 'a1' });
      await scene.ask(ada, 'PUT', '/http/chat_rooms/1/messages/1', { message: 'x' });
      await scene.emit(b, 'typing', { chat_type: 'room', other_user_id: ada.id });
      await scene.ask(alan, 'POST', `/http/chat_groups/${group}/members`, { user_id: ada.id });
      await scene.enterAlone(b, alan, group);
      await scene.enterAlone(a, ada, group);
      await scene.enterAlone(c, cyd, group);
      await scene.toGroup(b, group, 'In groups it goes on');
      await scene.emit(b, 'typing', { chat_type: 'group', chat_group_id: group });
      await scene.ask(alan, 'PUT', `/http/chat_groups/${group}`, { owner_id: ada.id });
      await scene.get(alan, `/http/users/group/${group}`);
      await scene.ask(ada, 'DELETE', '/http/chat_rooms/1/messages/1');
      await scene.ask(ada, 'DELETE', `/http/users/${alan.id}/block`);
      await scene.ask(ada, 'DELETE', `/http/users/${alan.id}/block`);
      await b.hears('presence', { user_id: ada.id, is_online: true });
      await scene.toRoom(b, ada, 'Hello again');
    },
  },
  {
    name: 'names of people and groups do not come from whoever is blocked',
    play: async (scene) => {
      const [[ada, a], [alan, b], [, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(alan, 'Engines');
      await a.hears('group_update', { chat_group_id: group });
      await scene.ask(ada, 'PUT', `/http/users/${alan.id}/block`);
      await scene.ask(alan, 'PUT', `/http/chat_groups/${group}`, { chat_group_name: 'Unheard' });
      await scene.ask(alan, 'PUT', '/http/users/profile', { first_name: 'Unheard' });
      await scene.ask(ada, 'PUT', '/http/users/profile', { first_name: 'Augusta' });
      await c.hears('user_update', { id: alan.id, first_name: 'Unheard' });
      await c.hears('group_update', { name: 'Unheard' });
      await b.hears('user_update', { id: ada.id, first_name: 'Augusta' });
      await scene.get(ada, '/http/users');
      await scene.get(ada, '/http/chat_groups');
    },
  },
  {
    name: 'sockets that may have missed something are told so, and nobody is told who came or went',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(a, alan, 'Hello');
      await scene.wire.resync();
      for (const device of [a, b]) await device.hears('resync');
      await scene.toRoom(b, ada, 'Here');
    },
  },
  {
    name: 'a list of more than a thousand rows goes on by its header',
    play: async (scene) => {
      const ada = await scene.person('Ada');
      for (let i = 0; i < 1_010; i++)
        await scene.person(`P${String.fromCodePoint(97 + (i % 26)).repeat(1 + Math.floor(i / 26))}`);
      const path = '/http/users?query=p';
      for (const first of [path, '/http/users']) {
        const { link } = await scene.get(ada, first);
        const { pathname, search } = new URL(/<(.*)>/.exec(link!)![1]);
        const { link: none } = await scene.get(ada, pathname + search);
        scene.note('on from the last page', none ?? null);
      }
    },
  },
];
