import type { Scenario } from './scenarios.js';

/** Steps 6 to 9 of docs/protocol.md; reading, typing, editing, catching up. */
export const ROOMS: readonly Scenario[] = [
  {
    name: 'direct messages: the first makes the room, both hear it, and it is heard before it is acknowledged',
    play: async (scene) => {
      const [[ada, a], [alan, b], [, eve]] = await scene.online('Ada', 'Alan', 'Eve');
      const second = await scene.connect(ada);
      await scene.toRoom(a, alan, 'Hello Alan', { client_id: 'a1' });
      await scene.toRoom(a, alan, '  kept as sent \u0000 ');
      await scene.toRoom(b, ada, 'Hello Ada');
      await second.hears('message', { message: 'Hello Ada' });
      await scene.wire.moment();
      await scene.toRoom(eve, ada, 'And I');
      await a.hears('message', { message: 'And I' });
      for (const person of [ada, alan])
        for (const path of [
          'chat_rooms',
          'notifications',
          'chat_rooms/1',
          'chat_rooms/2',
          'chat_rooms/99',
          'chat_groups',
        ])
          await scene.get(person, `/http/${path}`);
      await a.hears('presence', { user_id: alan.id, is_online: true });
    },
  },
  {
    name: 'a message that is sent again is stored once',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      for (const message of ['Hello', 'Hello', 'Another text'])
        await scene.toRoom(a, alan, message, { client_id: 'a1' });
      await scene.toRoom(b, ada, 'Mine', { client_id: 'a1' });
      await scene.ask(ada, 'PUT', '/http/chat_rooms/1/messages/1', { message: 'Edited' });
      for (const message of ['Hello', 'Whatever']) await scene.toRoom(a, alan, message, { client_id: 'a1' });
      await scene.get(ada, '/http/chat_rooms/1');
    },
  },
  {
    name: 'what no message is',
    play: async (scene) => {
      const [[ada, a], [alan]] = await scene.online('Ada', 'Alan');
      for (const message of ['', '   ', '\u200b', 'x'.repeat(4_001), 7, null, undefined])
        await scene.toRoom(a, alan, message as string);
      await scene.toRoom(a, alan, '\ud83d\ude00'.repeat(4_000));
      await scene.toRoom(a, ada, 'To myself');
      await scene.toRoom(a, { ...alan, id: 999 }, 'To nobody');
      for (const id of ['2', 0, 1.5, 2 ** 31, null]) await scene.toRoom(a, { ...alan, id: id as number }, 'Hello');
      await scene.toRoom(a, alan, 'Hello', { client_id: 'no blanks' });
      await scene.toRoom(a, alan, 'Hello', { client_id: null, unknown: 1 });
      await scene.send(a, { chat_type: 'cinema', message: 'x' });
      await scene.send(a, { chat_type: 7 });
      await scene.send(a, {});
      await scene.send(a, []);
      await scene.send(a, 'text');
      await scene.send(a, undefined);
      await scene.emit(a, 'no_such_event', {});
      await scene.emit(a, 'toString', {});
      await scene.emit(a, 'read', { chat_room_id: '1' });
    },
  },
  {
    name: 'pages of a history',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      for (let i = 1; i <= 105; i++)
        await a.emit('message', { chat_type: 'room', other_user_id: alan.id, message: `m${i}` });
      await scene.toRoom(b, ada, 'the last');
      const page = '/http/chat_rooms/1';
      for (const query of [
        '',
        'limit=2',
        'limit=1000',
        'limit=0',
        'before=4',
        'before=4&limit=2',
        'before=1',
        'after=0&limit=3',
      ])
        await scene.get(ada, `${page}?${query}`);
      for (const query of [
        'after=104',
        'after=106',
        'after=-1',
        'before=x',
        'after=1&before=3',
        'changes_after=0',
        'what=1',
      ])
        await scene.get(ada, `${page}?${query}`);
      const { body } = await scene.wire.fetch('GET', `${page}?after=1&limit=1`, { token: ada.token });
      await scene.get(ada, `${page}?limit=5&until=${body[0].timestamp}`);
      for (const until of [
        '2026-02-30T00:00:00Z',
        '2026-02-03',
        '2026-02-03T00:00:00',
        '2000-01-01T00:00:00Z',
        '2100-01-01T00:00:00+01:00',
      ])
        await scene.get(ada, `${page}?limit=2&until=${encodeURIComponent(until)}`);
      for (const path of ['/http/chat_rooms/x', '/http/chat_rooms/01', '/http/chat_rooms/1/', '/http/chat_groups/1'])
        await scene.get(ada, path);
    },
  },
  {
    name: 'reading: marks, receipts, and who hears of them',
    play: async (scene) => {
      const [[ada, a], [alan, b], [, eve]] = await scene.online('Ada', 'Alan', 'Eve');
      const other = await scene.connect(alan);
      for (const message of ['one', 'two', 'three']) await scene.toRoom(a, alan, message);
      await other.hears('message', { message: 'three' });
      await scene.emit(b, 'read', { chat_room_id: 1, seq: 2 });
      await a.hears('read', { seq: 2 });
      await other.hears('read', { seq: 2 });
      await scene.emit(b, 'read', { chat_room_id: 1, seq: 1 });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_room_id: 1 });
      await a.hears('read', { seq: 3 });
      await scene.emit(b, 'read', { chat_room_id: 1, seq: 99 });
      await scene.emit(eve, 'read', { chat_room_id: 1 });
      await scene.emit(b, 'read', {});
      await scene.emit(b, 'read', { chat_room_id: 1, chat_group_id: 1 });
      await scene.emit(b, 'read', { chat_room_id: 1, seq: 0 });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_group_id: 1 });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_room_id: '1', seq: '3' });
      for (const person of [ada, alan])
        for (const list of ['chat_rooms', 'notifications']) await scene.get(person, `/http/${list}`);
    },
  },
  {
    name: 'typing to somebody',
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve]] = await scene.online('Ada', 'Alan', 'Eve');
      const toAlan = { chat_type: 'room', other_user_id: alan.id };
      // Nobody hears it: they have no room yet.
      await scene.emit(a, 'typing', toAlan);
      await scene.toRoom(b, ada, 'Hello');
      // More than one in three seconds is not passed on.
      await scene.burst(3, () => b.emit('typing', { chat_type: 'room', other_user_id: ada.id }, false));
      await a.hears('typing');
      await scene.emit(a, 'typing', { chat_type: 'room', other_user_id: ada.id });
      await scene.emit(a, 'typing', { chat_type: 'room', other_user_id: 999 });
      await scene.emit(a, 'typing', { chat_type: 'room', other_user_id: eve.id });
      await scene.emit(a, 'typing', { chat_type: 'room' });
      await scene.emit(a, 'typing', { chat_type: 'bot' });
      await scene.emit(a, 'typing', { chat_type: 'group', chat_group_id: 1 });
    },
  },
  {
    name: 'editing, deleting, and catching up with both',
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve]] = await scene.online('Ada', 'Alan', 'Eve');
      for (const message of ['one', 'two', 'three'])
        await scene.toRoom(a, alan, message, { client_id: `c-${message}` });
      const at = (seq: number | string): string => `/http/chat_rooms/1/messages/${seq}`;
      await scene.ask(ada, 'PUT', at(1), { message: 'first' });
      await scene.ask(ada, 'PUT', at(1), { message: 'first' });
      await scene.ask(ada, 'DELETE', at(2));
      await scene.ask(ada, 'DELETE', at(2));
      await scene.ask(ada, 'PUT', at(2), { message: 'again' });
      await scene.ask(ada, 'PUT', at(1), { message: 'the first' });
      for (const who of [alan, eve])
        for (const [method, body] of [['PUT', { message: 'mine' }], ['DELETE']] as const)
          await scene.ask(who, method, at(3), body);
      for (const seq of [99, 0, 'x']) await scene.ask(ada, 'PUT', at(seq), { message: 'x' });
      await scene.ask(ada, 'PUT', at(3), { message: ' ' });
      await scene.ask(ada, 'PUT', at(3), {});
      await scene.ask(ada, 'PUT', at(3), { message: 'x', more: 1 });
      for (const query of ['', '?changes_after=0', '?changes_after=1', '?changes_after=3', '?changes_after=0&limit=1'])
        await scene.get(alan, `/http/chat_rooms/1${query}`);
      await scene.ask(ada, 'DELETE', at(3));
      await b.hears('message_update', { seq: 3 });
      for (const list of ['chat_rooms', 'notifications']) await scene.get(alan, `/http/${list}`);
    },
  },
  {
    name: 'sixty messages in six seconds, and no more',
    rates: true,
    play: async (scene) => {
      const [[, a], [alan]] = await scene.online('Ada', 'Alan');
      await scene.burst(60, (i) =>
        a.emit('message', { chat_type: 'room', other_user_id: alan.id, message: `m${i}` }, false),
      );
      await scene.toRoom(a, alan, 'too much', { client_id: 'm61' });
      await scene.burst(60, () => a.emit('typing', { chat_type: 'room', other_user_id: alan.id }, false));
      await scene.emit(a, 'typing', { chat_type: 'room', other_user_id: alan.id });
    },
  },
  {
    name: 'sixty changes in six seconds, and reads beside them',
    rates: true,
    play: async (scene) => {
      const [[ada, a], [alan]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(a, alan, 'Hello');
      await scene.burst(60, () =>
        scene.wire.fetch('PUT', '/http/notifications', { token: ada.token, body: { chat_room_id: 1 } }),
      );
      await scene.ask(ada, 'PUT', '/http/notifications', { chat_room_id: 1 });
      await scene.emit(a, 'read', { chat_room_id: 1 });
      await scene.burst(60, () => scene.wire.fetch('GET', '/http/users', { token: alan.token }));
      await scene.get(alan, '/http/users/profile');
      await scene.get(ada, '/http/users/profile');
    },
  },
];
