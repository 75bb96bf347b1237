// An export of what is a person's own: what is in it, who gets it, and for how long.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MOST_DOWNLOADS } from '../../src/auth/export/export-download.service.js';
import { Clock } from '../../src/common/timing/clock.js';
import { momentToIso, toMoment } from '../../src/database/dialect.js';
import { linkTokenHash } from '../../src/identity/link-tokens.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, next, Person, send, sendTo } from '../support/client.js';
import { askForExport, download, emptied, exported, exportsOf, partsOf, swept } from '../support/exports.js';
import { KNOWN_PASSWORD, staff, suspend } from '../support/staff.js';
import { jsonLines, unzipped } from '../support/zip.js';

const HOUR = 3_600_000;

onAllDialects('an export', (dialect) => {
  let app: TestApp;
  let grace: Person;
  let offset = 0;
  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  afterEach(() => {
    offset = 0;
  });

  const filesAt = async (path: string) => unzipped(await download(app, path));
  const codeAt = async (path: string) => {
    const { status, body } = await call(app, 'GET', path);
    return [status, body.code];
  };
  const pageAt = async (path: string): Promise<string> =>
    (await call(app, 'GET', path, { headers: { accept: 'text/html' } })).body;
  it('holds what was stored, and nothing of others', async () => {
    const [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    const [hers, his] = [await ada.connect(), await bob.connect()];
    const as = async (one: Person, method: string, path: string, body?: unknown) => {
      const answer = await call(app, method, `/http/${path}`, { token: one.token, body });
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      return answer.body;
    };
    const { chat_room_id: room } = await sendTo(hers, bob.id, 'Hello «Bob» 👋\n"quoted"', 'b-first');
    await sendTo(his, ada.id, 'SECRET OF BOB');
    await send(hers, { chat_type: 'room', other_user_id: bob.id, message: 'an answer', reply_to: 2, client_id: 'a-2' });
    await sendTo(hers, bob.id, 'WRONG WORD');
    await as(ada, 'PUT', `chat_rooms/${room}/messages/4`, { message: 'right word' });
    await sendTo(hers, bob.id, 'DELETED WORD', 'c-5');
    await as(ada, 'DELETE', `chat_rooms/${room}/messages/5`);
    for (const emoji of ['👍', '🎉'])
      await as(ada, 'PUT', `chat_rooms/${room}/messages/2/reactions`, { emoji, is_on: true });
    await as(bob, 'PUT', `chat_rooms/${room}/messages/1/reactions`, { emoji: '❤️', is_on: true });
    const group = (await as(ada, 'POST', 'chat_groups', { chat_group_name: 'Engines', is_private: true })).id;
    await send(hers, { chat_type: 'group', chat_group_id: group, message: 'in my group' });
    await as(ada, 'PUT', 'chat_settings', { chat_group_id: group, is_favourite: true });
    const left = (await as(bob, 'POST', 'chat_groups', { chat_group_name: 'Bobs', is_private: false })).id;
    await as(ada, 'POST', `chat_groups/${left}`, { is_enter: true });
    await send(hers, { chat_type: 'group', chat_group_id: left, message: 'in a group that I leave' });
    await as(ada, 'DELETE', `chat_groups/${left}/members/${ada.id}`);
    const answered = next(hers, 'message', ({ chat_type }: { chat_type: string }) => chat_type === 'bot');
    await send(hers, { chat_type: 'bot', message: 'Hello bot' });
    await answered;
    await as(ada, 'PUT', `users/${eve.id}/block`);

    const answer = await fetch(app.url + (await exported(app, ada)), { headers: { accept: 'text/html,*/*' } });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="parley-export.zip"',
      'cache-control': 'no-store',
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const [row] = await exportsOf(app, ada);
    expect([Number(answer.headers.get('content-length')), row.size]).toEqual([bytes.length, bytes.length]);
    const files = unzipped(bytes);
    expect(Object.keys(files)).toEqual([
      'README.txt',
      'profile.json',
      'sessions.json',
      'chats.json',
      'messages.jsonl',
      'reactions.jsonl',
      'blocks.json',
      'groups.json',
    ]);
    const json = (name: string) => JSON.parse(files[name]);
    for (const name of Object.keys(files)) if (name !== 'README.txt') expect(files['README.txt']).toContain(name);
    expect(json('profile.json')).toMatchObject({
      id: ada.id,
      email: ada.email,
      first_name: 'Ada',
      last_name: 'Lovelace',
      created_at: expect.stringMatching(/Z$/),
      role: 'person',
    });
    expect(json('sessions.json')).toEqual([
      {
        id: expect.any(Number),
        device: 'test',
        created_at: expect.any(String),
        expires_at: expect.any(String),
        ended_at: null,
      },
    ]);
    const [{ id: bot }] = await app.database.query('SELECT conversation_id AS id FROM bot_chats WHERE user_id = ?', [
      ada.id,
    ]);
    const chats = json('chats.json');
    expect(chats.map(({ chat, kind }: any) => [chat, kind])).toEqual(
      [
        [room, 'room'],
        [group, 'group'],
        [bot, 'bot'],
      ].sort(([a], [b]) => Number(a) - Number(b)),
    );
    const chat = (id: number) => chats.find((one: any) => one.chat === id);
    expect(chat(room)).toMatchObject({
      other_user: { id: bob.id, first_name: 'Bob', last_name: 'Lovelace' },
      last_seq: 5,
      last_read_seq: 5,
      settings: {},
    });
    expect(chat(group)).toMatchObject({ group_name: 'Engines', settings: { is_favourite: true } });

    const stored = await app.database.query(
      'SELECT conversation_id, seq, body, created_at FROM messages WHERE sender_id = ? ORDER BY conversation_id, seq',
      [ada.id],
    );
    const messages = jsonLines(files['messages.jsonl']);
    expect(messages.map(({ chat: id, seq, text = '', time }) => [id, seq, text, time])).toEqual(
      stored.map((one: any) => [one.conversation_id, one.seq, one.body, momentToIso(one.created_at)]),
    );
    const inRoom = messages.filter((one) => one.chat === room);
    expect(inRoom).toEqual([
      { chat: room, seq: 1, time: expect.any(String), text: 'Hello «Bob» 👋\n"quoted"' },
      { chat: room, seq: 3, time: expect.any(String), text: 'an answer', reply_to: 2 },
      { chat: room, seq: 4, time: expect.any(String), text: 'right word', edited_at: expect.any(String) },
      { chat: room, seq: 5, time: expect.any(String), deleted: true },
    ]);
    expect(messages.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['in my group', 'in a group that I leave', 'Hello bot']),
    );
    expect(messages.filter((one) => one.chat === bot)).toHaveLength(1);
    expect(
      jsonLines(files['reactions.jsonl'])
        .map(({ seq, emoji }) => `${seq} ${emoji}`)
        .sort(),
    ).toEqual(['2 👍', '2 🎉'].sort());
    expect(json('blocks.json')).toMatchObject([{ id: eve.id, first_name: 'Eve' }]);
    expect(json('groups.json')).toEqual([
      { chat: group, name: 'Engines', is_private: true, member_count: 1, created_at: expect.any(String) },
    ]);
    for (const word of ['SECRET OF BOB', 'WRONG WORD', 'DELETED WORD'])
      for (const text of Object.values(files)) expect(text).not.toContain(word);
    ada.hangUp();
    bob.hangUp();
  });

  it('holds thousands of messages, in their order in each of several chats', async () => {
    const ada = await Person.known(app);
    const others = [await Person.known(app), await Person.known(app), await Person.known(app)];
    const socket = await ada.connect();
    const expected: unknown[] = [];
    for (const other of others) {
      const { chat_room_id: room } = await sendTo(socket, other.id, 'the first one');
      const rows: string[] = [];
      const values: unknown[] = [];
      for (let seq = 2; seq <= 2_001; seq++) {
        const own = seq % 2 === 0;
        // Their order is another one than that of the numbers; some have none.
        const clientId = seq % 3 === 0 ? null : `${randomBytes(6).toString('hex')}-${seq}`;
        rows.push('(?, ?, ?, ?, ?, ?)');
        const time = toMoment(new Date(Date.UTC(2026, 0, 1) + seq * 1_000));
        values.push(room, seq, own ? ada.id : other.id, own ? `own ${seq}` : 'THEIRS', time, clientId);
        if (rows.length < 200) continue;
        await app.database.query(
          `INSERT INTO messages (conversation_id, seq, sender_id, body, created_at, client_id) VALUES ${rows.splice(0).join()}`,
          values.splice(0),
        );
      }
      await app.database.query('UPDATE conversations SET last_seq = 2001 WHERE id = ?', [room]);
      expected.push([room, 1, 'the first one']);
      for (let seq = 2; seq <= 2_000; seq += 2) expected.push([room, seq, `own ${seq}`]);
    }
    ada.hangUp();
    const messages = jsonLines((await filesAt(await exported(app, ada)))['messages.jsonl']);
    expect(messages.length).toBe(3_003);
    expect(messages.map(({ chat, seq, text }) => [chat, seq, text])).toEqual(expected);
  });

  it('is empty lists where there is nothing', async () => {
    const files = await filesAt(await exported(app, await Person.known(app)));
    expect([files['chats.json'], files['messages.jsonl'], files['blocks.json']]).toEqual(['[]\n', '', '[]\n']);
  });

  it('is made for whoever knows the password, and given to nobody who guesses', async () => {
    const ada = await Person.known(app);
    expect(await askForExport(ada, 'a wrong guess')).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
    expect((await call(app, 'POST', '/http/users/profile/export', { token: ada.token, body: {} })).status).toBe(400);
    expect((await call(app, 'POST', '/http/users/profile/export', { body: { password: 'x' } })).status).toBe(401);
    expect(await exportsOf(app, ada)).toEqual([]);
    expect(await codeAt(`/http/export/${'x'.repeat(33)}`)).toEqual([404, 'not_found']);
    const page = await call(app, 'GET', `/http/export/${'x'.repeat(33)}`, { headers: { accept: 'text/html' } });
    expect([page.status, page.body]).toEqual([404, expect.stringContaining('This link is not valid.')]);
  });

  it('keeps the token of its link to itself, and counts downloads, HEAD not among them', async () => {
    const ada = await Person.known(app);
    const path = await exported(app, ada);
    const [row] = await exportsOf(app, ada);
    expect(row.token_hash).toBe(linkTokenHash(path.split('/').at(-1)!));
    expect((await fetch(app.url + path, { method: 'HEAD' })).status).toBe(404);
    const all = await Promise.all(
      Array.from({ length: MOST_DOWNLOADS + 5 }, () =>
        fetch(app.url + path).then(async (answer) => [answer.status, (await answer.arrayBuffer()).byteLength]),
      ),
    );
    const good = all.filter(([status]) => status === 200);
    // Those that were refused since too many were under way are not counted.
    const rest = MOST_DOWNLOADS - good.length;
    for (let i = 0; i < rest; i++) await download(app, path);
    expect(good.every(([, size]) => size === row.size)).toBe(true);
    expect(await codeAt(path)).toEqual([410, 'expired']);
    expect(await pageAt(path)).toMatch(/This link is used up\..*It gave the export out 20 times\./s);
    expect((await exportsOf(app, ada))[0].downloads).toBe(MOST_DOWNLOADS);
  });

  it('is deleted after two days', async () => {
    const ada = await Person.known(app);
    const path = await exported(app, ada);
    const [{ id }] = await exportsOf(app, ada);
    expect(await partsOf(app, id)).toBeGreaterThan(0);
    offset = 48 * HOUR - 60_000;
    await download(app, path);
    offset = 48 * HOUR + 1_000;
    expect(await codeAt(path)).toEqual([410, 'expired']);
    expect(await pageAt(path)).toMatch(/This link has expired\..*It was good for 48 hours\. Ask for a new export\./s);
    await emptied(app, id);
    expect(await codeAt(path)).toEqual([410, 'expired']);
    offset = 8 * 24 * HOUR;
    await swept(app, async () => (await exportsOf(app, ada)).length === 0, 'the end of the row');
    expect(await codeAt(path)).toEqual([404, 'not_found']);
    expect(await pageAt(path)).toMatch(/This link is not valid\..*or long ago\./s);
  });

  it('ends when another one is asked for, with a new password, with a suspension, and with the account', async () => {
    const ada = await Person.known(app);
    const ended = async (path: string, id: number) => {
      expect(await codeAt(path)).toEqual([404, 'not_found']);
      await emptied(app, id);
    };
    const first = await exported(app, ada);
    const second = await exported(app, ada);
    const [one, two] = await exportsOf(app, ada);
    await ended(first, one.id);
    await download(app, second);
    const set = { password: 'another long one', current_password: KNOWN_PASSWORD };
    expect((await ada.put('/http/users/profile', set)).status).toBe(200);
    await ended(second, two.id);

    const bob = await Person.known(app, 'Bob');
    const his = await exported(app, bob);
    const [{ id }] = await exportsOf(app, bob);
    expect((await suspend(app, grace, bob)).status).toBe(200);
    await ended(his, id);
    expect((await suspend(app, grace, bob, false)).status).toBe(200);
    expect(await codeAt(his)).toEqual([404, 'not_found']);

    const eve = await Person.known(app, 'Eve');
    const hers = await exported(app, eve);
    // As a node of the version before this one does it, which knows no exports.
    await app.database.query('UPDATE users SET suspended_at = ? WHERE id = ?', [toMoment(new Date()), eve.id]);
    expect(await codeAt(hers)).toEqual([404, 'not_found']);
    await app.database.query('UPDATE users SET suspended_at = NULL WHERE id = ?', [eve.id]);
    await download(app, hers);
    const [{ id: last }] = await exportsOf(app, eve);
    const body = { password: KNOWN_PASSWORD };
    expect((await call(app, 'DELETE', '/http/users/profile', { token: eve.token, body })).status).toBe(204);
    expect(await exportsOf(app, eve)).toEqual([]);
    await ended(hers, last);
    const left = () => app.database.query('SELECT 1 FROM exports WHERE id = ?', [last]);
    await swept(app, async () => (await left()).length === 0, 'the end of the row');
  });
});

describe('how often one may export', () => {
  it('is once a day, also at the same time, and after a restart', async () => {
    let app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const ada = await Person.known(app);
    const answers = await Promise.all([askForExport(ada), askForExport(ada), askForExport(ada)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 429, 429]);
    app = await app.restart();
    let offset = 0;
    app.get(Clock).now = () => new Date(Date.now() + offset);
    const there = ada.at(app);
    const refused = await askForExport(there);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.body.retry_after).toBeGreaterThan(23 * 3_600);
    expect(refused.body.retry_after).toBeLessThanOrEqual(24 * 3_600);
    expect(Number(refused.headers.get('retry-after'))).toBe(refused.body.retry_after);
    offset = 24 * HOUR;
    expect((await askForExport(there)).status).toBe(202);
    await app.stop();
  });
});
