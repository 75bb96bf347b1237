// What counts as a text that can be said: to somebody, to a group, to the bot, and in place of what was said.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { ask, BotReader } from '../support/bot.js';
import { call, type ChatSocket, Person, send, sendTo } from '../support/client.js';

const UNSEEN = [
  ['of zero-width characters', '\u200b\u200c\u200d\u2060\ufeff'],
  ['of an empty Braille pattern', '\u2800'],
  ['of Hangul fillers', '\u3164 \u115f\u1160\uffa0'],
  ['of NUL and other controls', '\0\u0007\u009f'],
  ['of tags', '\u{e0001}\u{e0041}\u{e007f}'],
  ['of variation selectors', '\ufe0f\ufe0e\u{e0100}'],
  ['of directions', '\u202e\u2066\u200f\u061c'],
  ['of soft hyphens', '\u00ad\u034f\u180e'],
  ['of marks with nothing under them', '\u0301\u20dd'],
  ['of all these and white space', ' \u200b\n\u3164\t\u2800\u00a0\0'],
] as const;

const SEEN = [
  ['a family', '👨\u200d👩\u200d👧\u200d👦'],
  ['a heart on fire', '❤\ufe0f\u200d🔥'],
  ['a flag of tags', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
  ['a flag', '🇩🇪'],
  ['a keycap', '1\ufe0f\u20e3'],
  ['a hand with a colour', '👋🏽'],
  ['a letter with a mark', 'e\u0301'],
  ['Hebrew in its direction', '\u202eשלום\u202c'],
  ['Persian with a non-joiner', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
  ['Hindi with a joiner', 'क्\u200dष'],
  ['Hangul in parts', '\u1112\u1161\u11ab'],
  ['a dot', '.'],
  ['a letter behind NUL', '\0a\0'],
  ['4,000 characters', `\u200b\u2800${'x'.repeat(3998)}`],
  ['4,000 emoji', '🦊'.repeat(4000)],
] as const;

onAllDialects('a text', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let a: ChatSocket;
  let group: number;
  let room: number;
  let inRoom: string;
  let inGroup: string;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    a = await ada.connect();
    const made = { chat_group_name: 'Texts', author_id: ada.id };
    group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: made })).body.id;
    await send(a, { chat_type: 'group', chat_group_id: group, is_enter: true });
    const answers = [await sendTo(a, bob.id, 'first'), await toGroup('first')];
    room = answers[0].chat_room_id;
    inRoom = `/http/chat_rooms/${room}/messages/${answers[0].seq}`;
    inGroup = `/http/chat_groups/${group}/messages/${answers[1].seq}`;
  });
  afterAll(() => app.stop());

  const toGroup = (message: unknown) => send(a, { chat_type: 'group', chat_group_id: group, message });

  describe('with nothing to see', () => {
    it.each(UNSEEN)('%s is refused everywhere, and nothing is stored', async (_, message) => {
      const refused = { code: 'invalid', fields: { message: [expect.stringMatching(/seen|1 to 4000/)] } };
      expect(await sendTo(a, bob.id, message)).toMatchObject({ ok: false, error: refused });
      expect(await toGroup(message)).toMatchObject({ ok: false, error: refused });
      expect(await ask(a, message)).toMatchObject({ ok: false, error: refused });
      for (const place of [inRoom, inGroup])
        expect(await ada.put(place, { message })).toMatchObject({ status: 400, body: refused });
      const stored = await app.database.query('SELECT body FROM messages WHERE body = ?', [message]);
      expect(stored).toEqual([]);
    });
  });

  it.each(SEEN)('such as %s is kept as sent', async (_, message) => {
    const { seq } = await sendTo(a, bob.id, message);
    const [newest] = (await bob.get(`/http/chat_rooms/${room}?limit=1`)).body;
    expect(newest).toMatchObject({ seq, message });
    expect((await ada.put(inGroup, { message })).body.message).toBe(message);
  });

  it('with half of a character is refused in words that say so', async () => {
    for (const message of ['\ud83d', 'a\ude00', '😀\ud800b', '\udc00\ud800']) {
      const refused = { code: 'invalid', fields: { message: [expect.stringContaining('lone surrogate')] } };
      expect(await sendTo(a, bob.id, message)).toMatchObject({ error: refused });
      expect(await toGroup(message)).toMatchObject({ error: refused });
      expect(await ask(a, message)).toMatchObject({ error: refused });
      for (const place of [inRoom, inGroup])
        expect(await ada.put(place, { message })).toMatchObject({ status: 400, body: refused });
    }
  });

  it.each(['\u200b', 'a\u200b', 'é', 'a b', '', 'x'.repeat(65), '\0'])(
    'as a client_id such as %j is refused',
    async (id) => {
      const refused = { code: 'invalid', fields: { client_id: [expect.any(String)] } };
      expect(await sendTo(a, bob.id, 'x', id)).toMatchObject({ error: refused });
      expect(await ask(a, 'x', id)).toMatchObject({ error: refused });
    },
  );

  it('that is said to the bot is answered', async () => {
    const reader = new BotReader(a);
    const { seq } = await ask(a, '🇩🇪\u200b');
    expect(await reader.ended(seq)).toHaveLength(2);
  });
});
