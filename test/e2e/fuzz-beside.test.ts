// Rubbish in what messages say beside their texts, where all else is right: refused, or stored and shown as it was meant.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { canonicalEmoji } from '../../src/common/text/emoji.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, Person, send, sendTo } from '../support/client.js';
import { Recount } from '../support/recount.js';
import { anything } from '../support/rubbish.js';

const RUNS = 200;

onAllDialects('rubbish beside a text', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let socket: ChatSocket;
  let room: number;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    socket = await ada.connect();
    room = (await sendTo(socket, bob.id, 'first')).chat_room_id;
    const body = { chat_group_name: 'Engines' };
    group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
    await send(socket, { chat_type: 'group', chat_group_id: group, message: 'first' });
  });
  afterAll(async () => {
    // Whatever was taken, the tables agree with each other.
    await Recount.of((sql) => app.database.query(sql));
    await app.stop();
  });

  const ask = (event: string, payload: object): Promise<any> =>
    (socket as any).timeout(10_000).emitWithAck(event, payload);
  const isKnown = (answer: any): void => {
    expect(answer.ok === true || typeof answer.error.code === 'string').toBe(true);
    if (!answer.ok) expect(answer.error.code).not.toBe('internal');
  };
  const chats = () =>
    fc.constantFrom(
      { send: { chat_type: 'room', other_user_id: bob.id }, place: { chat_room_id: room }, path: `chat_rooms/${room}` },
      {
        send: { chat_type: 'group', chat_group_id: group },
        place: { chat_group_id: group },
        path: `chat_groups/${group}`,
      },
    );
  const mentions = () =>
    fc.oneof(
      anything,
      fc.record(
        {
          user_ids: fc.oneof(
            anything,
            fc.array(fc.oneof(fc.constantFrom(ada.id, bob.id), anything), { maxLength: 25 }),
          ),
          everyone: fc.oneof(fc.boolean(), anything),
        },
        { requiredKeys: [] },
      ),
    );

  it('of a message', async () => {
    const extras = fc.record(
      {
        reply_to: fc.oneof(fc.constant(1), anything),
        is_silent: fc.oneof(fc.boolean(), anything),
        mentions: mentions(),
      },
      { requiredKeys: [] },
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(chats(), extras, async (chat, more) => {
        const answer = await ask('message', { ...chat.send, message: 'words', ...more });
        isKnown(answer);
        if (!answer.ok) return;
        taken++;
        const [view] = (await ada.get(`/http/${chat.path}?before=${answer.seq + 1}&limit=1`)).body;
        expect(view.reply_to?.seq ?? null).toBe(more.reply_to ?? null);
        for (const id of view.mentions?.user_ids ?? []) {
          expect((more.mentions as { user_ids: unknown[] }).user_ids).toContain(id);
          expect(answer.mentions_ignored ?? []).not.toContain(id);
        }
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('of an edit', async () => {
    const { seq } = await ask('message', {
      chat_type: 'room',
      other_user_id: bob.id,
      message: 'words',
      mentions: { user_ids: [bob.id] },
    });
    await fc.assert(
      fc.asyncProperty(mentions(), async (names) => {
        const body = { message: 'other words', mentions: names };
        const answer = await ada.put(`/http/chat_rooms/${room}/messages/${seq}`, body);
        expect(answer.status).toBeLessThan(500);
        // An edit names nobody anew.
        if (answer.status === 200)
          expect([bob.id]).toEqual(expect.arrayContaining(answer.body.mentions?.user_ids ?? []));
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
  });

  it('of a reaction', async () => {
    const emoji = fc.oneof(
      fc.constantFrom('👍', '❤', '❤️', '👍🏽', '👩‍💻', '🏳‍🌈', '🇩🇪', '1️⃣', '#', '©', '👍\ufe0f', '\ufe0f', '🏳️‍🌈️'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc
        .array(fc.constantFrom('👍', '\ufe0f', '\u200d', '🏽', '❤', '🇩', '\u20e3', '1'), { maxLength: 5 })
        .map((all) => all.join('')),
      anything,
    );
    const isOn = fc.oneof({ weight: 4, arbitrary: fc.boolean() }, { weight: 1, arbitrary: anything });
    const seq = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: anything });
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(chats(), fc.record({ seq, emoji, is_on: isOn }), async (chat, reaction) => {
        const answer = await ask('react', { ...chat.place, ...reaction });
        isKnown(answer);
        if (!answer.ok) return;
        taken++;
        const sent = canonicalEmoji(reaction.emoji as string)!;
        const mine = answer.reactions
          .filter((one: { is_mine?: true }) => one.is_mine)
          .map((one: { emoji: string }) => one.emoji);
        expect(mine.includes(sent)).toBe(reaction.is_on);
        for (const one of mine) expect(canonicalEmoji(one)).toBe(one);
      }),
      { numRuns: RUNS * 2, includeErrorInReport: true },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('of the settings of a chat', async () => {
    const settings = fc.record(
      {
        notify: fc.oneof(fc.constantFrom('all', 'mentions', 'none'), anything),
        muted_until: fc.oneof(
          fc.constantFrom(
            '9999-01-01T00:00:00Z',
            '2000-01-01T00:00:00Z',
            '9999-12-31T23:59:59.999-00:01',
            '-000001-01-01T00:00:00Z',
          ),
          anything,
        ),
        is_favourite: fc.oneof(fc.boolean(), anything),
        is_archived: fc.oneof(fc.boolean(), anything),
      },
      { requiredKeys: [] },
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(chats(), settings, async (chat, wish) => {
        const answer = await ada.put('/http/chat_settings', { ...chat.place, ...wish });
        expect(answer.status).toBeLessThan(500);
        if (answer.status !== 200) return;
        taken++;
        for (const field of ['notify', 'is_favourite', 'is_archived'] as const)
          if (wish[field] != null) expect(answer.body[field]).toBe(wish[field]);
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    expect(taken).toBeGreaterThan(0);
  });
});
