import type { Scenario } from './scenarios.js';

const LISTS = ['chat_rooms', 'chat_groups', 'notifications', 'mentions'];

/** Messages that answer others and name people, reactions, and how one wants to be told of a chat. */
export const EXTRAS: readonly Scenario[] = [
  {
    name: 'answers quote what they answer, as that is now',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(a, alan, 'x'.repeat(150) + '\ud83d\ude00'.repeat(100));
      await scene.toRoom(b, ada, 'an answer', { reply_to: 1, client_id: 'r1' });
      await scene.toRoom(a, alan, 'to the answer', { reply_to: 2, is_silent: true });
      for (const reply_to of [99, 0, '1', 1.5, null])
        await scene.toRoom(b, ada, 'to nothing', { reply_to: reply_to as number });
      await scene.toRoom(b, ada, 'not sure', { is_silent: 'yes' });
      // The same again, and another under its name.
      await scene.toRoom(b, ada, 'an answer', { reply_to: 1, client_id: 'r1' });
      for (const more of [{}, { reply_to: 3 }, { reply_to: 1, is_silent: true }])
        await scene.toRoom(b, ada, 'an answer', { client_id: 'r1', ...more });
      await scene.ask(ada, 'PUT', '/http/chat_rooms/1/messages/1', { message: 'edited' });
      for (const path of ['chat_rooms/1', 'chat_rooms', 'notifications']) await scene.get(ada, `/http/${path}`);
      await scene.ask(alan, 'PUT', '/http/chat_rooms/1/messages/2', { message: 'an answer, edited' });
      await scene.ask(ada, 'DELETE', '/http/chat_rooms/1/messages/1');
      await scene.toRoom(b, ada, 'to what is gone', { reply_to: 1 });
      await scene.toRoom(b, ada, 'an answer', { reply_to: 1, client_id: 'r1' });
      await scene.ask(alan, 'DELETE', '/http/chat_rooms/1/messages/2');
      for (const path of ['chat_rooms/1', 'chat_rooms/1?changes_after=0', 'chat_rooms', 'mentions'])
        await scene.get(ada, `/http/${path}`);
    },
  },
  {
    name: 'mentions: who is named, who is left out, and what is unread of them',
    // How many messages share a notification hangs on the seconds.
    isTimed: false,
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve, c], [kim]] = await scene.online('Ada', 'Alan', 'Eve', 'Kim');
      const group = await scene.group(ada, 'Engines');
      for (const who of [alan, eve])
        await scene.ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: who.id });
      await scene.enterAlone(a, ada, group);
      const named = { mentions: { user_ids: [eve.id, alan.id, kim.id, 999, alan.id, ada.id] } };
      await scene.toGroup(a, group, '@all of you', { ...named, client_id: 'm1' });
      await c.hears('notification', { last_seq: 1 });
      await scene.toGroup(a, group, '@all of you', { ...named, client_id: 'm1' });
      await scene.toGroup(a, group, '@all of you', { mentions: { user_ids: [alan.id] }, client_id: 'm1' });
      for (const who of [ada, alan, eve, kim]) for (const path of LISTS) await scene.get(who, `/http/${path}`);
      await scene.toGroup(b, group, 'an answer', { reply_to: 1 });
      await scene.toGroup(b, group, 'quietly', { reply_to: 1, is_silent: true });
      await scene.toGroup(c, group, 'everyone', { mentions: { everyone: true } });
      await scene.toGroup(c, group, 'everyone, again', { mentions: { everyone: true }, client_id: 'e1' });
      await scene.toGroup(c, group, 'everyone, again', { mentions: { everyone: true }, client_id: 'e1' });
      await scene.toGroup(a, group, 'and I', { mentions: { everyone: true, user_ids: [] } });
      await scene.ask(alan, 'PUT', '/http/notifications', { chat_group_id: group, seq: 4 });
      for (const who of [ada, alan, eve]) for (const path of LISTS) await scene.get(who, `/http/${path}`);
      // An edit takes mentions back, and names nobody anew.
      const at = (seq: number): string => `/http/chat_groups/${group}/messages/${seq}`;
      for (const mentions of [{ user_ids: [eve.id, kim.id] }, null, {}, { everyone: true }])
        await scene.ask(ada, 'PUT', at(1), { message: 'edited', mentions });
      await scene.ask(ada, 'PUT', at(6), { message: 'and I', mentions: {} });
      await scene.ask(eve, 'DELETE', at(4));
      for (const who of [ada, alan, eve]) for (const path of LISTS) await scene.get(who, `/http/${path}`);
      await scene.get(alan, `/http/chat_groups/${group}?after=0`);
      for (const mentions of [
        [],
        'all',
        { all: true },
        { everyone: 'yes' },
        { user_ids: [0] },
        { user_ids: ['1'] },
        { user_ids: Array.from({ length: 21 }, (_, n) => n + 1) },
        { user_ids: null, everyone: null },
      ])
        await scene.toGroup(a, group, 'wrong', { mentions });
      for (const query of [
        '?until=yesterday',
        '?until=2000-01-01T00:00:00Z',
        '?until=9999-12-31T23:59:59-05:00',
        '?limit=3',
      ])
        await scene.get(ada, `/http/mentions${query}`);
    },
  },
  {
    name: 'mentions in a room, and between those one of whom has blocked the other',
    // How many messages share a notification hangs on the seconds.
    isTimed: false,
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve, c]] = await scene.online('Ada', 'Alan', 'Eve');
      await scene.toRoom(a, alan, '@Alan', { mentions: { user_ids: [alan.id, eve.id], everyone: true } });
      const group = await scene.group(ada, 'Engines');
      for (const who of [alan, eve])
        await scene.ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: who.id });
      await scene.ask(eve, 'PUT', `/http/users/${alan.id}/block`);
      await scene.toGroup(b, group, '@Eve', { mentions: { user_ids: [eve.id] } });
      await scene.toGroup(c, group, '@Alan', { mentions: { user_ids: [alan.id] }, reply_to: 1 });
      await scene.toGroup(b, group, '@everyone', { mentions: { everyone: true } });
      for (const who of [ada, alan, eve]) for (const path of LISTS) await scene.get(who, `/http/${path}`);
      // Of former members nothing is listed.
      await scene.toGroup(a, group, '@Eve', { mentions: { user_ids: [eve.id] } });
      await scene.ask(ada, 'DELETE', `/http/chat_groups/${group}/members/${eve.id}`);
      await scene.get(eve, '/http/mentions');
    },
  },
  {
    name: 'answers in the chat with the bot',
    play: async (scene) => {
      const [[ada, a]] = await scene.online('Ada');
      const { bot } = scene.wire;
      await scene.send(a, { chat_type: 'bot', message: 'Hello' });
      await scene.wire.until(() => bot.asked() === 1 || undefined, 'a question');
      bot.say('Hello Ada');
      // On a fast machine, what was said at the very end is told by the answer alone.
      await a.hears('bot_delta', { question_seq: 1 });
      bot.end();
      await a.hears('message', { chat_type: 'bot', messages: [{ seq: 2 }] });
      await scene.send(a, { chat_type: 'bot', message: 'Who?', reply_to: 2 });
      await scene.wire.until(() => bot.asked() === 2 || undefined, 'a question');
      bot.say('I');
      await a.hears('bot_delta', { question_seq: 3 });
      bot.end();
      await a.hears('message', { chat_type: 'bot', messages: [{ seq: 4 }] });
      for (const more of [{ reply_to: 99 }, { is_silent: true }, { mentions: {} }])
        await scene.send(a, { chat_type: 'bot', message: 'What?', ...more });
      await scene.get(ada, '/http/chat_bot');
    },
  },
  {
    name: 'the settings of a chat',
    play: async (scene) => {
      const [[ada, a], [alan], [eve]] = await scene.online('Ada', 'Alan', 'Eve');
      const second = await scene.connect(ada);
      await scene.toRoom(a, alan, 'Hello');
      const group = await scene.group(ada, 'Engines');
      const set = (body: object, who = ada) => scene.ask(who, 'PUT', '/http/chat_settings', body);
      for (const change of [
        { notify: 'mentions', is_favourite: true },
        { muted_until: '9999-01-01T00:00:00Z' },
        { notify: 'mentions' },
        { notify: 'all', is_archived: true, is_favourite: null },
        { is_favourite: false },
      ])
        await set({ chat_room_id: 1, ...change });
      await set({ chat_group_id: group, notify: 'none', muted_until: '2001-01-01T00:00:00+01:00' });
      for (const who of [ada, alan, eve]) for (const path of LISTS) await scene.get(who, `/http/${path}`);
      await set({ chat_room_id: 1, muted_until: null });
      await set({ chat_group_id: group, notify: 'mentions' });
      await second.hears('chat_settings', { chat_group_id: group, notify: 'mentions' });
      for (const path of LISTS) await scene.get(ada, `/http/${path}`);
      for (const body of [
        {},
        { chat_room_id: 1 },
        { notify: 'all' },
        { chat_room_id: 1, chat_group_id: group, notify: 'all' },
        { chat_room_id: 1, notify: 'loud' },
        { chat_room_id: 1, notify: null },
        { chat_room_id: 1, muted_until: 'tomorrow' },
        { chat_room_id: 1, muted_until: 7 },
        { chat_room_id: 1, is_favourite: 1, is_archived: 'no' },
        { chat_room_id: 1, more: true },
        { chat_room_id: 'x', is_archived: true },
        { chat_room_id: 99, is_archived: true },
        { chat_group_id: 1, is_archived: true },
      ])
        await set(body);
      await set({ chat_room_id: 1, is_archived: true }, eve);
      await set({ chat_group_id: group, is_archived: true }, eve);
    },
  },
  {
    name: 'reactions: set, taken back, counted, and told',
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve]] = await scene.online('Ada', 'Alan', 'Eve');
      await scene.toRoom(a, alan, 'one');
      await scene.toRoom(a, alan, 'two');
      const at = (seq: number | string): string => `/http/chat_rooms/1/messages/${seq}/reactions`;
      const react = (who: typeof ada, emoji: unknown, is_on: unknown = true, seq: number | string = 1) =>
        scene.ask(who, 'PUT', at(seq), { emoji, is_on });
      await react(ada, '👍', false);
      await react(ada, '👍');
      await react(ada, '👍');
      await react(alan, '🎉');
      await react(alan, '👍');
      await react(alan, '❤');
      await react(ada, '❤️');
      await b.hears('message_reactions', { change: 5 });
      for (const who of [ada, alan])
        for (const path of ['chat_rooms/1', 'chat_rooms/1?changes_after=0', 'chat_rooms'])
          await scene.get(who, `/http/${path}`);
      for (const query of [
        'emoji=👍',
        'emoji=❤',
        `emoji=👍&after=${ada.id}`,
        'emoji=🐌',
        'emoji=x',
        '',
        'emoji=👍&after=-1',
      ])
        await scene.get(ada, encodeURI(`${at(1)}?${query}`));
      await react(ada, '👍', false);
      await react(alan, '👍', false);
      await react(ada, '👍');
      for (const emoji of ['', 'x', '👍👍', 7, null, undefined]) await react(ada, emoji);
      await react(ada, '👍', 'yes');
      await scene.ask(ada, 'PUT', at(1), { emoji: '👍', is_on: true, more: 1 });
      for (const seq of [99, 0, 'x']) await react(ada, '👍', true, seq);
      await react(eve, '👍');
      await scene.get(eve, encodeURI(`${at(1)}?emoji=👍`));
      for (const emoji of ['😀', '😁', '😂', '😃', '😄']) await react(ada, emoji, true, 2);
      await scene.emit(b, 'react', { chat_room_id: 1, seq: 2, emoji: '😀', is_on: true });
      await scene.emit(b, 'react', { chat_room_id: 1, seq: 2, emoji: '😀', is_on: false });
      for (const body of [
        {},
        { chat_room_id: 1 },
        { seq: 2, emoji: '😀', is_on: true },
        { chat_room_id: 1, chat_group_id: 1, seq: 2, emoji: '😀', is_on: true },
      ])
        await scene.emit(b, 'react', body);
      await scene.ask(ada, 'PUT', '/http/chat_rooms/1/messages/2', { message: 'two, edited' });
      await scene.toRoom(a, alan, 'three', { client_id: 'c3' });
      await react(alan, '👍', true, 3);
      await scene.toRoom(a, alan, 'three', { client_id: 'c3' });
      await scene.toRoom(a, alan, 'another', { client_id: 'c3' });
      await scene.ask(ada, 'DELETE', '/http/chat_rooms/1/messages/2');
      await react(ada, '👍', true, 2);
      await scene.get(ada, encodeURI(`${at(2)}?emoji=😀`));
      await scene.ask(alan, 'PUT', `/http/users/${ada.id}/block`);
      await react(ada, '👍', false, 1);
      await scene.get(ada, '/http/chat_rooms/1');
    },
  },
  {
    name: 'reactions in a group: told to those who are in',
    // How many messages share a notification hangs on the seconds.
    isTimed: false,
    play: async (scene) => {
      const [[ada, a], [alan, b], [eve, c]] = await scene.online('Ada', 'Alan', 'Eve');
      const group = await scene.group(ada, 'Engines');
      for (const who of [alan, eve])
        await scene.ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: who.id });
      await scene.enterAlone(a, ada, group);
      await scene.enterAlone(b, alan, group);
      await scene.toGroup(a, group, 'Hello', { mentions: { user_ids: [alan.id] }, client_id: 'g1' });
      await scene.toGroup(b, group, 'an answer', { reply_to: 1 });
      await scene.emit(c, 'react', { chat_group_id: group, seq: 1, emoji: '🎉', is_on: true });
      await b.hears('message_reactions', { seq: 1 });
      await scene.ask(ada, 'PUT', `/http/chat_groups/${group}/messages/2/reactions`, { emoji: '👍', is_on: true });
      await b.hears('message_reactions', { seq: 2 });
      for (const path of [`chat_groups/${group}?after=0`, 'chat_groups', 'notifications'])
        await scene.get(eve, `/http/${path}`);
      await scene.ask(ada, 'DELETE', `/http/chat_groups/${group}/members/${eve.id}`);
      await scene.emit(c, 'react', { chat_group_id: group, seq: 1, emoji: '🎉', is_on: false });
      await scene.get(ada, `/http/chat_groups/${group}?after=0`);
    },
  },
  {
    name: 'sixty reactions in six seconds count among the changes',
    rates: true,
    play: async (scene) => {
      const [[ada, a], [alan]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(a, alan, 'Hello');
      const react = { chat_room_id: 1, seq: 1, emoji: '👍', is_on: true };
      await scene.burst(60, () => a.emit('react', react, false));
      await scene.emit(a, 'react', react);
      await scene.ask(ada, 'PUT', '/http/chat_settings', { chat_room_id: 1, is_archived: true });
    },
  },
];
