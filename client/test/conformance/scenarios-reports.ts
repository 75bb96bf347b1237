import type { Scenario } from './scenarios.js';

/** Messages that are handed to those who look after the server, and what these do. */
export const REPORTS: readonly Scenario[] = [
  {
    name: 'messages are reported, each once by each',
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve]] = await scene.online('Ada', 'Alan', 'Eve');
      const report = (who: typeof ada | undefined, body: unknown) => scene.ask(who, 'POST', '/http/reports', body);
      await scene.toRoom(a, alan, 'Hello');
      await scene.toRoom(b, ada, 'rude');
      await scene.toRoom(b, ada, 'gone soon');
      const group = await scene.group(ada, 'Engines');
      await scene.ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: alan.id });
      await scene.toGroup(b, group, 'buy this');
      const rude = { chat_room_id: 1, seq: 2, reason: 'abuse' };
      await report(ada, { ...rude, note: ' He does not stop. ' });
      await report(ada, { ...rude, reason: 'spam' });
      await report(ada, { chat_group_id: group, seq: 1, reason: 'spam' });
      await report(alan, { chat_room_id: 1, seq: 1, reason: 'illegal', note: null, chat_group_id: null });
      // One's own, one that was deleted, and after a report of it.
      await report(alan, rude);
      await scene.ask(alan, 'DELETE', '/http/chat_rooms/1/messages/3');
      await report(ada, { ...rude, seq: 3 });
      await scene.ask(alan, 'DELETE', '/http/chat_rooms/1/messages/2');
      await report(ada, rude);
      // What is nobody's business, or not there.
      await report(eve, rude);
      await report(eve, { chat_group_id: group, seq: 1, reason: 'other' });
      for (const place of [
        { chat_room_id: 99 },
        { chat_group_id: 99 },
        { chat_group_id: 1 },
        { chat_room_id: group },
        { chat_room_id: 1, seq: 99 },
      ])
        await report(ada, { ...rude, chat_room_id: undefined, ...place });
      await report(undefined, rude);
      for (const wrong of [
        {},
        { seq: 2, reason: 'abuse' },
        { ...rude, chat_group_id: group },
        { ...rude, seq: 0 },
        { ...rude, seq: '2' },
        { ...rude, reason: 'dull' },
        { ...rude, reason: null },
        { ...rude, note: '' },
        { ...rude, note: '   ' },
        { ...rude, note: 7 },
        { ...rude, note: '\ud83d\ude00'.repeat(1_001) },
        { ...rude, note: '\ud83d' },
        { ...rude, more: 1 },
      ])
        await report(ada, wrong);
      await report(ada, { chat_group_id: group, seq: 1, reason: 'other', note: '\ud83d\ude00'.repeat(1_000) });
    },
  },
  {
    name: 'a group is frozen, and goes on',
    // What is new of a group is told within a second.
    isTimed: false,
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve, c]] = await scene.online('Ada', 'Alan', 'Eve');
      const kim = await scene.person('Kim');
      const group = await scene.group(ada, 'Engines');
      const closed = await scene.group(ada, 'Secrets', true);
      for (const id of [group, closed])
        await scene.ask(ada, 'POST', `/http/chat_groups/${id}/members`, { user_id: alan.id });
      await scene.toGroup(b, group, 'before', { client_id: 'b1' });
      await scene.toGroup(a, group, 'hers');
      await scene.ask(eve, 'POST', `/http/chat_groups/access_requests/${closed}`);
      for (const id of [group, closed]) await scene.wire.freeze(id);
      await b.hears('group_update', { chat_group_id: group, is_frozen: true });
      await c.hears('group_update', { chat_group_id: group, is_frozen: true });
      for (const who of [ada, alan, eve]) await scene.get(who, '/http/chat_groups');
      const tryAll = async (isFrozen: boolean): Promise<void> => {
        const at = `/http/chat_groups/${group}`;
        await scene.toGroup(b, group, 'before', { client_id: 'b1' });
        await scene.toGroup(b, group, 'after');
        await scene.toGroup(b, group, 'no answer', { reply_to: 99 });
        await scene.emit(b, 'react', { chat_group_id: group, seq: 1, emoji: '👍', is_on: true });
        await scene.ask(alan, 'PUT', `${at}/messages/1`, { message: 'edited' });
        await scene.ask(alan, 'PUT', `${at}/messages/2`, { message: 'edited' });
        await scene.ask(alan, 'DELETE', `${at}/messages/2`);
        await scene.ask(ada, 'DELETE', `${at}/messages/1`);
        await scene.ask(ada, 'PUT', at, { chat_group_name: 'Machines' });
        await scene.ask(alan, 'PUT', at, { chat_group_name: 'Machines' });
        await scene.ask(ada, 'PUT', at, { owner_id: alan.id });
        if (isFrozen) await scene.ask(ada, 'DELETE', at);
        await scene.ask(ada, 'POST', `${at}/members`, { user_id: kim.id });
        await scene.ask(ada, 'DELETE', `${at}/members/${alan.id}`);
        await scene.ask(eve, 'POST', at, { is_enter: true });
        await scene.ask(ada, 'PUT', `/http/chat_groups/access_requests/${closed}`, {
          requester_id: eve.id,
          access: true,
        });
      };
      await tryAll(true);
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_group_id: group });
      await scene.ask(ada, 'POST', '/http/reports', { chat_group_id: group, seq: 1, reason: 'other' });
      await scene.ask(alan, 'DELETE', `/http/chat_groups/${group}/members/${alan.id}`);
      for (const id of [group, closed]) await scene.wire.freeze(id, false);
      await a.hears('group_update', { chat_group_id: group, member_count: 1 });
      await tryAll(false);
      await scene.get(ada, '/http/chat_groups');
    },
  },
  {
    name: 'somebody is suspended, and comes back',
    play: async (scene) => {
      const [[ada], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(b, ada, 'Hello');
      const login = (password: string) => scene.ask(undefined, 'POST', '/http/login', { email: ada.email, password });
      await scene.wire.suspend(ada.id);
      await b.hears('presence', [{ user_id: ada.id, is_online: false }]);
      await scene.get(ada, '/http/users');
      await scene.refused(ada.token);
      await login('nobody knows');
      await login('wrong');
      await scene.toRoom(b, ada, 'Are you there?');
      await scene.get(alan, '/http/chat_rooms');
      await scene.wire.suspend(ada.id, false);
      ada.token = (await login('nobody knows')).body.token;
      await scene.get(ada, '/http/chat_rooms');
    },
  },
  {
    name: 'ten reports in a day, repeats and refused ones among them',
    rates: true,
    play: async (scene) => {
      const [[ada], [alan, b]] = await scene.online('Ada', 'Alan');
      const report = (seq: number, more: object = {}) =>
        scene.ask(ada, 'POST', '/http/reports', { chat_room_id: 1, seq, reason: 'spam', ...more });
      for (let seq = 1; seq <= 10; seq++) await scene.toRoom(b, ada, `message ${seq}`);
      await report(1, { reason: 'dull' });
      await report(1, { chat_group_id: 2 });
      await report(1);
      await report(1);
      await report(99);
      for (let seq = 2; seq <= 10; seq++) await report(seq);
      await scene.ask(alan, 'DELETE', '/http/chat_rooms/1/messages/1');
      await report(1);
    },
  },
];
