// Many people on one message at once, and what happens to it meanwhile.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { MessageChanges } from '../../src/conversations/message-changes.js';
import { Reactions } from '../../src/conversations/reactions/reactions.js';
import type { GroupMessageUpdate, GroupReactions } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, Person, record, send } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { assertEndsAs, assertTotals, Watched } from '../support/reactions.js';

const EMOJI = ['👍', '❤️', '😂', '🎉', '🚀'];
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)];

const path = (group: number, seq = 1) => `/http/chat_groups/${group}/messages/${seq}/reactions`;
const react = (one: Person, group: number, emoji: string, is_on = true, seq = 1): Promise<Answer> =>
  one.put(path(group, seq), { emoji, is_on });

/** A group in which its owner is, with one message. */
async function groupOf(app: TestApp, owner: Person, members: readonly Person[]): Promise<[number, ChatSocket]> {
  const { body } = await call(app, 'POST', '/http/chat_groups', { token: owner.token, body: { chat_group_name: 'G' } });
  const socket = await owner.connect();
  await send(socket, { chat_type: 'group', chat_group_id: body.id, is_enter: true });
  await send(socket, { chat_type: 'group', chat_group_id: body.id, message: 'one' });
  for (const one of members)
    await call(app, 'POST', `/http/chat_groups/${body.id}`, { token: one.token, body: { is_enter: true } });
  return [body.id, socket];
}

onAllDialects('many at once', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let people: Person[];
  let group: number;
  let socket: ChatSocket;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    people = await Promise.all(Array.from({ length: 60 }, () => Person.known(app)));
  }, 60_000);
  afterAll(() => app.stop());
  beforeEach(async () => {
    ada = await Person.known(app);
    [group, socket] = await groupOf(app, ada, people);
  }, 60_000);
  afterEach(() => {
    vi.restoreAllMocks();
    ada.hangUp();
  });

  const lastChange = async (): Promise<number> =>
    (await app.database.query('SELECT last_change AS n FROM conversations WHERE id = ?', [group]))[0].n ?? 0;
  const rows = async (seq = 1): Promise<number> =>
    Number(
      (
        await app.database.query('SELECT COUNT(*) AS n FROM reactions WHERE conversation_id = ? AND seq = ?', [
          group,
          seq,
        ])
      )[0].n,
    );

  it('share transactions, and one change for each message and transaction', async () => {
    await send(socket, { chat_type: 'group', chat_group_id: group, message: 'two' });
    const turns = vi.spyOn(app.get(MessageChanges), 'inTurn');
    const began = performance.now();
    const told = record<GroupReactions>(socket, 'message_reactions');
    const answers = await Promise.all(
      people.flatMap((one) => [react(one, group, '👍'), react(one, group, '🎉', true, 2)]),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    // A transaction begins no sooner than a tenth of a second after the one before.
    const most = 2 + Math.floor((performance.now() - began) / 100);
    expect(turns.mock.calls.length).toBeLessThanOrEqual(most);
    const changes = new Set(answers.map(({ body }) => body.change));
    expect(changes.size).toBeLessThanOrEqual(2 * turns.mock.calls.length);
    expect(await lastChange()).toBe(changes.size);
    await expect.poll(() => told.flatMap(({ changed }) => changed).length).toBe(120);
    for (const { changed } of told) expect(changed.length).toBeLessThanOrEqual(50);
    const each = told.flatMap(({ seq, changed }) => changed.map(({ user_id }) => `${seq} ${user_id}`));
    expect(new Set(each).size).toBe(120);
    expect([await rows(1), await rows(2)]).toEqual([60, 60]);
    await assertTotals(app);
  });

  it('cost as many statements as the one of a single person', async () => {
    const sessions: { user_id: number; id: number | string }[] = await app.database.query(
      `SELECT user_id, MIN(id) AS id FROM sessions WHERE user_id IN (${people.map(({ id }) => id).join()}) GROUP BY user_id`,
    );
    expect(sessions).toHaveLength(people.length);
    const place = { kind: 'group', conversationId: group, seq: 1 } as const;
    /** Those of messages and reactions: people of other tests who have gone are being taken out of the group meanwhile. */
    const COUNTED = /\b(messages|message_changes|reactions|reaction_totals|last_change|sessions WHERE id IN)\b/;
    /** The fewest of a few tries. */
    const statements = async (count: number): Promise<number> => {
      const tries: number[] = [];
      for (let i = 0; i < 6; i++) {
        const log = vi.spyOn(app.database.logger, 'logQuery');
        const turns = vi.spyOn(app.get(MessageChanges), 'inTurn');
        await Promise.all(
          sessions
            .slice(0, count)
            .map(({ user_id, id }) =>
              app.get(Reactions).set({ userId: user_id, sessionId: Number(id) }, place, '👍', i % 2 === 0),
            ),
        );
        expect(turns).toHaveBeenCalledTimes(1);
        // Those that set it. Taking back the last one of an emoji also ends its total.
        if (i % 2 === 0) tries.push(log.mock.calls.filter(([sql]) => COUNTED.test(sql)).length);
        vi.restoreAllMocks();
      }
      return Math.min(...tries);
    };
    // Of a message that was never changed, less is read.
    await statements(1);
    expect(await statements(people.length)).toBe(await statements(1));
  });

  it('of one person are applied in their order, and what ends as it began is told to nobody', async () => {
    const told = record<GroupReactions>(socket, 'message_reactions');
    const one = await people[0].connect();
    const emit = (is_on: boolean): Promise<any> =>
      (one as any).timeout(15_000).emitWithAck('react', { chat_group_id: group, seq: 1, emoji: '👍', is_on });
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => emit(i % 2 === 0)));
      expect(answers.every(({ ok }) => ok)).toBe(true);
      expect(await rows()).toBe(0);
    }
    const answers = await Promise.all(Array.from({ length: 21 }, (_, i) => emit(i % 2 === 0)));
    expect(answers.at(-1).reactions).toEqual([{ emoji: '👍', count: 1, is_mine: true }]);
    await expect.poll(() => told.at(-1)?.reactions).toEqual([{ emoji: '👍', count: 1 }]);
    expect(told.every(({ changed }) => changed.length === 1)).toBe(true);
    await assertTotals(app);
    one.disconnect();
  });

  it('of random kinds end as they were acknowledged, with totals as counted, also for who hears it in any order', async () => {
    const watched = new Watched(socket);
    const mine = new Map<string, boolean>();
    await Promise.all(
      people.map(async (one) => {
        for (let i = 0; i < 8; i++) {
          const [emoji, isOn] = [pick(EMOJI), Math.random() < 0.6];
          const { status, body } = await react(one, group, emoji, isOn);
          expect(status).toBe(200);
          mine.set(`${one.id} ${emoji}`, isOn);
          expect(Boolean(body.reactions.find((got: any) => got.emoji === emoji)?.is_mine)).toBe(isOn);
        }
      }),
    );
    const stored = await app.database.query('SELECT user_id, emoji FROM reactions WHERE conversation_id = ?', [group]);
    const expected = [...mine].filter(([, isOn]) => isOn).map(([key]) => key);
    expect(stored.map((row: any) => `${row.user_id} ${row.emoji}`).sort()).toEqual(expected.sort());
    await assertTotals(app);
    const [now] = (await ada.get(`/http/chat_groups/${group}?after=0`)).body;
    await expect.poll(() => watched.highest).toBe(now.change);
    for (let i = 0; i < 20; i++) assertEndsAs(watched, now, expected);
  });

  it('meet the deletion of the message: what was acknowledged before it is gone with it, and the rest is refused', async () => {
    for (let round = 0; round < 5; round++) {
      const { seq } = await send(socket, { chat_type: 'group', chat_group_id: group, message: `${round}` });
      const updates = record<GroupMessageUpdate | GroupReactions>(
        socket,
        'message_reactions',
        (told) => told.seq === seq,
      );
      const reacting = people.map((one) => react(one, group, pick(EMOJI), true, seq));
      await Promise.race(reacting);
      const deleted = await call(app, 'DELETE', `/http/chat_groups/${group}/messages/${seq}`, { token: ada.token });
      expect(deleted.status).toBe(200);
      const answers = await Promise.all(reacting);
      for (const { status, body } of answers) {
        if (status === 200) expect(body.change).toBeLessThan(deleted.body.change);
        else expect([status, body.code]).toEqual([410, 'message_deleted']);
      }
      expect(await rows(seq)).toBe(0);
      for (const told of updates) expect(told.change).toBeLessThan(deleted.body.change);
    }
    expect(await app.database.query('SELECT 1 FROM reaction_totals WHERE conversation_id = ?', [group])).toEqual([]);
  });

  it('of somebody who is removed store nothing after the answer', async () => {
    const [one, ...others] = people;
    for (let round = 0; round < 4; round++) {
      const reacting = [...others.slice(0, 20), one].flatMap((who) => EMOJI.map((emoji) => react(who, group, emoji)));
      const removed = await call(app, 'DELETE', `/http/chat_groups/${group}/members/${one.id}`, { token: ada.token });
      expect(removed.status).toBe(204);
      const own = () =>
        app.database.query('SELECT emoji FROM reactions WHERE conversation_id = ? AND user_id = ? ORDER BY emoji', [
          group,
          one.id,
        ]);
      const atAnswer = await own();
      for (const { status } of await Promise.all(reacting)) expect([200, 404]).toContain(status);
      expect(await own()).toEqual(atAnswer);
      await call(app, 'POST', `/http/chat_groups/${group}/members`, { token: ada.token, body: { user_id: one.id } });
      for (const emoji of EMOJI) await react(one, group, emoji, false);
    }
    await assertTotals(app);
  });

  it('that wait at a stop are stored or refused, and each is answered', async () => {
    const other = await TestApp.start(dialect);
    const [owner, ...members] = await Promise.all(Array.from({ length: 20 }, () => Person.known(other)));
    const [id] = await groupOf(other, owner, members);
    const sessions = await other.database.query('SELECT id, user_id FROM sessions');
    const place = { kind: 'group', conversationId: id, seq: 1 } as const;
    const set = ({ id: sessionId, user_id: userId }: { id: number; user_id: number }) =>
      other
        .get(Reactions)
        .set({ sessionId, userId }, place, '👍', true)
        .then(
          () => 'stored',
          (error: { code?: string }) => error.code,
        );
    const answers = sessions.map(set);
    await answers[0];
    const database = other.database;
    const look = vi.spyOn(database, 'destroy').mockImplementationOnce(async () => {
      // The last moment in which it can be asked.
      expect(Number((await database.query('SELECT COUNT(*) AS n FROM reactions'))[0].n)).toBe(20);
      look.mockRestore();
      await database.destroy();
    });
    const later = sessions.map(set);
    await other.stop();
    expect(await Promise.all([...answers, ...later])).toEqual(Array.from({ length: 40 }, () => 'stored'));
    expect(await set(sessions[0])).toBe('unavailable');
  }, 60_000);

  it('are refused as busy where too many wait, and all are answered', async () => {
    const real = app.get(MessageChanges).inTurn.bind(app.get(MessageChanges));
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const turns = vi.spyOn(app.get(MessageChanges), 'inTurn').mockImplementation(async (...given) => {
      await gate;
      return real(...given);
    });
    const me = { userId: people[0].id, sessionId: 1 };
    const place = { kind: 'group', conversationId: group, seq: 1 } as const;
    const answers = Array.from({ length: 3_000 }, () =>
      app
        .get(Reactions)
        .set(me, place, '👍', true)
        .then(
          () => 'stored',
          (error: { code?: string }) => error.code,
        ),
    );
    await eventually(() => turns.mock.calls.length > 0 || undefined);
    go();
    const count = new Map<unknown, number>();
    for (const answer of await Promise.all(answers)) count.set(answer, (count.get(answer) ?? 0) + 1);
    expect(count.get('busy')).toBe(1_000);
    expect([...count.values()].reduce((a, b) => a + b, 0)).toBe(3_000);
  });
});

onNodes('a thousand reactions to one message, on two nodes', (kind) => {
  let nodes: TestCommunity;
  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2);
  });
  afterAll(() => nodes?.stop());

  it('have totals as counted, take few change numbers, and end the same for everybody, in whatever order they are told', async () => {
    const [one, two] = nodes.nodes as [TestApp, TestApp];
    const ada = await Person.known(one, 'Ada');
    const people = await Promise.all(Array.from({ length: 250 }, () => Person.known(one)));
    const [group, socket] = await groupOf(one, ada, people);
    const elsewhere = await ada.at(two).connect();
    const watching = [new Watched(socket), new Watched(elsewhere)];
    const began = performance.now();
    const edits = (async () => {
      for (let i = 0; i < 10; i++) {
        const body = { message: `edited ${i}` };
        await call(i % 2 ? one : two, 'PUT', `/http/chat_groups/${group}/messages/1`, { token: ada.token, body });
      }
    })();
    const answers = await Promise.all(
      people.flatMap((person, i) =>
        EMOJI.filter((_, nth) => nth !== 1 + (i % 4)).map((emoji, nth) =>
          react(person.at((i + nth) % 2 ? one : two), group, emoji),
        ),
      ),
    );
    await edits;
    const tookMs = performance.now() - began;
    expect(answers).toHaveLength(1_000);
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body.code)).toEqual([]);
    await assertTotals(one);
    const [now] = (await ada.get(`/http/chat_groups/${group}?after=0`)).body;
    expect(now.reactions.find((got: any) => got.emoji === '👍').count).toBe(250);
    const [{ n }] = await one.database.query('SELECT last_change AS n FROM conversations WHERE id = ?', [group]);
    expect(now).toMatchObject({ change: n, message: 'edited 9' });
    // Ten edits, and on each node no more than one transaction in a tenth of a second.
    expect(n).toBeLessThanOrEqual(10 + 2 * (2 + Math.floor(tookMs / 100)));
    const given = await one.database.query('SELECT user_id, emoji FROM reactions WHERE conversation_id = ?', [group]);
    for (const watched of watching) {
      await expect.poll(() => watched.highest, { timeout: 10_000 }).toBe(n);
      await expect.poll(() => watched.changes.size, { timeout: 10_000 }).toBe(n);
      const on = given.map((row: any) => `${row.user_id} ${row.emoji}`);
      for (let i = 0; i < 20; i++) assertEndsAs(watched, now, on);
    }
    ada.hangUp();
  }, 120_000);
});
