// Edits and deletions that wait while the one who makes them is put out: nothing of theirs is stored after the answer.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, eventually, Person, send, sendTo } from '../support/client.js';

const MESSAGES = 30;
const ROUNDS = 4;

onAllDialects('edits and deletions under way', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
  });
  afterEach(() => [ada, bob].forEach((person) => person.hangUp()));

  /** What stands in a chat, having made sure that its changes are numbered without a gap. */
  const stored = async (id: number) => {
    const [[chat], messages] = await Promise.all([
      app.database.query('SELECT last_seq, last_change FROM conversations WHERE id = ?', [id]),
      app.database.query('SELECT * FROM messages WHERE conversation_id = ? ORDER BY seq', [id]),
    ]);
    const numbers = messages.flatMap(({ change_seq }: { change_seq: number | null }) => change_seq ?? []);
    expect(numbers.sort((a: number, b: number) => a - b)).toEqual(numbers.map((_: number, i: number) => i + 1));
    expect(chat.last_change ?? 0).toBe(numbers.length);
    return { chat, messages };
  };
  /** Changes each of Bob's messages, every other one by deleting it; `end` comes in the middle. */
  const race = async (
    path: string,
    id: number,
    seqs: number[],
    end: () => Promise<Answer>,
    refusal: [number, string],
  ): Promise<{ acknowledged: number; changed: number }> => {
    const { token } = bob;
    const changes = seqs.map((seq, i) =>
      i % 2
        ? call(app, 'DELETE', `${path}/messages/${seq}`, { token })
        : call(app, 'PUT', `${path}/messages/${seq}`, { token, body: { message: 'edited' } }),
    );
    const count = async () =>
      (await app.database.query('SELECT last_change FROM conversations WHERE id = ?', [id]))[0].last_change;
    await eventually(async () => (await count()) ?? undefined, 'the first change');
    expect((await end()).status).toBe(204);
    const atAnswer = await stored(id);
    const answers = await Promise.all(changes);
    expect(await stored(id)).toEqual(atAnswer);
    for (const { status, body } of answers.filter((answer) => answer.status !== 200))
      expect([status, body.code]).toEqual(refusal);
    const acknowledged = answers.filter(({ status }) => status === 200).length;
    return { acknowledged, changed: atAnswer.chat.last_change };
  };

  it('stop where their session is ended', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const other = bob.token;
      await bob.session(app);
      const socket = await bob.connect();
      const sent = await Promise.all(
        Array.from({ length: MESSAGES }, (_, i) => sendTo(socket, ada.id, `${round} ${i}`)),
      );
      const { chat_room_id: room } = sent[0];
      const end = () => call(app, 'DELETE', '/http/sessions', { token: other });
      const { acknowledged, changed } = await race(
        `/http/chat_rooms/${room}`,
        room,
        sent.map(({ seq }) => seq),
        end,
        [401, 'session_revoked'],
      );
      expect(acknowledged).toBe(changed);
      bob = bob.at(app);
      bob.token = other;
      // Another room for the next round.
      ada = await Person.known(app, 'Ada');
    }
  });

  it('stop where they are removed from the group', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const body = { chat_group_name: 'Engines' };
      const group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      await call(app, 'POST', `/http/chat_groups/${group}`, { token: bob.token, body: { is_enter: true } });
      const socket = await bob.connect();
      const sent = await Promise.all(
        Array.from({ length: MESSAGES }, (_, i) =>
          send(socket, { chat_type: 'group', chat_group_id: group, message: `${i}` }),
        ),
      );
      const end = () => call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: ada.token });
      const { acknowledged, changed } = await race(
        `/http/chat_groups/${group}`,
        group,
        sent.map(({ seq }) => seq),
        end,
        [404, 'not_found'],
      );
      expect(acknowledged).toBe(changed);
    }
  });
});
