// Whatever refers to a user or a chat, in any column of the schema, is deleted with them, or a reason is given here why it stays.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Consumers } from '../../src/conversations/consumers/consumers.js';
import { AdminUsersService } from '../../src/admin/admin-users.service.js';
import { ConversationRemoval } from '../../src/conversations/conversation-removal.js';
import { Seal } from '../../src/mail/seal.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { CompletionsServer } from '../support/completions-server.js';
import { call, eventually, Person, send, sendTo } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { schemaColumns } from '../support/schema.js';
import { admin, elevate } from '../support/staff.js';

/** Ids of users and of chats count up from here, and no other number is as large: so a number says what it refers to, in any column. */
const FIRST_USER = 5_000_000;
const FIRST_CHAT = 7_000_000;
const RANGE = 100_000;

/** Columns that name a user whose account was erased: in which rows, and why. */
const STAYS: Record<string, { where: string; why: string }> = {
  'users.id': { where: "email LIKE 'erased:%'", why: 'messages keep a sender; the row holds nothing else' },
  'users.email': { where: 'erased_at IS NOT NULL', why: 'it is unique: the id stands in for the address' },
  'messages.sender_id': {
    where: 'conversation_id IN (SELECT conversation_id FROM members WHERE user_id <> sender_id)',
    why: 'others have received the message',
  },
  'messages.extras': {
    where: "extras LIKE '%mentions%' AND deleted_at IS NULL",
    why: 'others have received the message, which names them',
  },
  'reactions.user_id': {
    where: 'conversation_id IN (SELECT conversation_id FROM members WHERE members.user_id <> reactions.user_id)',
    why: 'others see it beside the message, as given by a deleted user',
  },
  'members.user_id': {
    where: 'conversation_id IN (SELECT conversation_id FROM chat_rooms)',
    why: 'the room is there for the other one as it was',
  },
  'audit_log.actor_id': { where: '1 = 1', why: 'who did something stays answerable for it' },
  'audit_log.target': { where: "target LIKE 'user %'", why: 'rows are a chain, and hold ids and no names' },
  'reports.reported_id': { where: '1 = 1', why: 'the message stays, too; until `ReportRetention` deletes the report' },
  'reports.settled_by': { where: 'settled_at IS NOT NULL', why: 'who did something stays answerable for it' },
  'report_messages.sender_id': { where: '1 = 1', why: 'a copy of a message that stays, too' },
  'chat_rooms.user_low': { where: '1 = 1', why: 'the room is there for the other one' },
  'chat_rooms.user_high': { where: '1 = 1', why: 'the room is there for the other one' },
};
/** Columns that still name a chat that has ended, and why. */
const OUTLIVES: Record<string, string> = {
  'reports.conversation_id': 'what was reported is settled, also where the group was deleted for it',
  'audit_log.target': 'rows are a chain, and hold ids and no names',
};
/** Columns that name chats of which none ends, and why. */
const NEVER_END: Record<string, string> = {
  'chat_rooms.conversation_id': 'a room is there for as long as one of the two is, and after that for nobody',
};

/** Columns that name a node, and are often empty: a node by itself holds no lease, and claims what it works on only meanwhile. */
const OF_NODES = new Set(['leases.holder', 'mail_outbox.claimed_by', 'consumer_marks.claimed_by']);

/** What the cells of a column hold. */
interface Cells {
  isNumber: boolean;
  isEmpty: boolean;
  /** Ids in them. */
  users: Set<number>;
  chats: Set<number>;
}

onAllDialects('a column that refers to a user or to a chat', (dialect) => {
  let completions: CompletionsServer;
  let app: TestApp;
  let person: Person;
  let ada: Person;
  let bob: Person;

  beforeEach(async () => {
    completions = await CompletionsServer.start();
    // A question waits for its answer.
    completions.behave(() => {});
    app = await TestApp.start(dialect, { BOT_URL: completions.url });
    for (const [table, first] of [
      ['users', FIRST_USER],
      ['conversations', FIRST_CHAT],
    ])
      await app.database.query(
        dialect === 'sqlite'
          ? `INSERT INTO sqlite_sequence (name, seq) VALUES ('${table}', ${first})`
          : `ALTER TABLE ${table} AUTO_INCREMENT = ${first}`,
      );
    // Of the person's rooms, one is with somebody before them, and one with somebody after them.
    ada = await Person.known(app);
    person = await Person.join(app, 'Zorlanda');
    bob = await Person.known(app, 'Bob');
    await app.app.close();
    // A mail server that is down: mails wait.
    const env = { ...app.env, SMTP_URL: `smtp://127.0.0.1:${await freePort()}` };
    app = await TestApp.startIn(env, app.removeData);
    [ada, person, bob] = [ada, person, bob].map((one) => one.at(app));
    app.get(Consumers).add({ name: 'follower', beginsWith: 'all', consume: async () => {} });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    [ada, person, bob].forEach((one) => one.hangUp());
    await app.stop();
    await completions.close();
  });

  const as = async (one: Person, method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await call(app, method, `/http/${path}`, { token: one.token, body });
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const create = async (one: Person, isPrivate = false): Promise<number> =>
    (await as(one, 'POST', 'chat_groups', { chat_group_name: 'Group', is_private: isPrivate })).id;
  const add = (owner: Person, group: number, one: Person) =>
    as(owner, 'POST', `chat_groups/${group}/members`, { user_id: one.id });
  const leave = (owner: Person, group: number, one = owner) =>
    as(owner, 'DELETE', `chat_groups/${group}/members/${one.id}`);
  const knock = (one: Person, group: number) => as(one, 'POST', `chat_groups/access_requests/${group}`);
  const write = async (one: Person, group: number, mentions?: object): Promise<number> =>
    (await send(await one.connect(), { chat_type: 'group', chat_group_id: group, message: 'words', mentions })).seq;

  /** A group with a row in every table that has rows of groups; its owner is alone in it. */
  const fullGroup = async (owner: Person, goes: Person, isRemoved: Person): Promise<number> => {
    const group = await create(owner, true);
    for (const one of [goes, isRemoved]) await add(owner, group, one);
    const reported = { chat_group_id: group, seq: await write(owner, group), reason: 'spam', note: 'words' };
    await as(goes, 'POST', 'reports', reported);
    await leave(goes, group);
    await leave(owner, group, isRemoved);
    await knock(isRemoved, group);
    const seq = await write(owner, group, { everyone: true });
    await as(owner, 'PUT', `chat_groups/${group}/messages/${seq}`, { message: 'other words' });
    await as(owner, 'PUT', `chat_groups/${group}/messages/${seq}/reactions`, { emoji: '👍', is_on: true });
    // As while the many reactions to a deleted message are being deleted: that is looked for once a minute.
    await app.database.query('INSERT INTO deleted_reactions (conversation_id, seq) VALUES (?, ?)', [group, seq + 1]);
    await app.get(Consumers).settled();
    return group;
  };

  /** The person is in every table that refers to users. @returns the chats that end with their account */
  const everywhere = async (): Promise<number[]> => {
    const socket = await person.connect();
    for (const one of [ada, bob]) {
      const { chat_room_id: room } = await sendTo(socket, one.id, 'words');
      await as(person, 'PUT', `chat_rooms/${room}/messages/1/reactions`, { emoji: '👍', is_on: true });
    }
    const asked = await send(socket, { chat_type: 'bot', message: 'a question' });
    const rows = await app.database.query('SELECT conversation_id AS id FROM bot_questions');
    expect([asked.ok, rows]).toEqual([true, [{ id: expect.any(Number) }]]);
    const own = await fullGroup(person, ada, bob);
    const shared = await create(person);
    await as(bob, 'POST', `chat_groups/${shared}`, { is_enter: true });
    await write(bob, shared, { user_ids: [person.id] });
    const [left, removed, hidden] = [await create(ada), await create(ada), await create(ada, true)];
    for (const group of [left, removed]) {
      await as(person, 'POST', `chat_groups/${group}`, { is_enter: true });
      await write(person, group);
    }
    await leave(person, left);
    await leave(ada, removed, person);
    await knock(person, hidden);
    await as(person, 'PUT', `users/${bob.id}/block`);
    await as(bob, 'PUT', `users/${person.id}/block`);
    await as(person, 'PUT', 'users/profile', { password: 'another password' });
    await as(person, 'POST', 'password/forgot', { email: person.email });
    // Until then, nobody may erase it.
    await app.database.query("UPDATE replaced_passwords SET expires_at = '2020-01-01 00:00:00.000'");
    await as(person, 'POST', 'users/profile/export', { password: 'another password' });
    await eventually(
      async () => (await app.database.query("SELECT 1 FROM exports WHERE state = 'ready'")).length || undefined,
      'the export',
      60_000,
    );
    // They have looked after the server, and were looked after.
    await app.database.query("UPDATE users SET role = 'admin' WHERE id = ?", [person.id]);
    const { body } = await call(app, 'POST', '/http/login', {
      body: { email: person.email, password: 'another password' },
    });
    const mod = { token: body.token as string };
    expect((await elevate(app, mod, 'another password')).status).toBe(200);
    for (const is_suspended of [true, false])
      expect((await admin(app, mod, 'PATCH', `users/${bob.id}`, { is_suspended })).status).toBe(200);
    for (const is_frozen of [true, false])
      expect((await admin(app, mod, 'PATCH', `groups/${own}`, { is_frozen })).status).toBe(200);
    const [{ id: report }] = await app.database.query('SELECT id FROM reports WHERE reported_id = ?', [ada.id]);
    expect((await admin(app, mod, 'PATCH', `reports/${report}`, { status: 'resolved' })).status).toBe(200);
    const { body: invite } = await admin(app, mod, 'POST', 'invites', {});
    const email = 'guest@example.com';
    const guest = {
      email,
      password: 'correct horse battery',
      first_name: 'Guest',
      last_name: '',
      invite: invite.token,
    };
    expect((await call(app, 'POST', '/http/register', { body: guest })).status).toBe(202);
    expect((await admin(app, mod, 'PUT', 'settings', { registrations_per_hour: 999 })).status).toBe(200);
    await app.get(AdminUsersService).change('console', ada.id, { role: 'admin' });
    await app.get(AdminUsersService).change('console', person.id, { role: 'moderator' });
    // Behind the role, which ends such links.
    const change = { email: 'elsewhere@example.com', password: 'another password' };
    await as(person, 'POST', 'users/profile/email', change);
    // Who comes online is stored a moment after.
    await eventually(
      async () =>
        (await app.database.query(`SELECT 1 FROM online_people WHERE user_id = ${person.id}`)).length || undefined,
      'the row of who is online',
      60_000,
    );
    return [rows[0].id, own];
  };

  /** @param found by a look before this one: it is added to that */
  const look = async (found = new Map<string, Cells>()): Promise<Map<string, Cells>> => {
    const traces = [person.email, ...app.get(Seal).blindIndexes(person.email)];
    const columns = await schemaColumns(app);
    for (const table of new Set(columns.map((one) => one.table))) {
      const rows: Record<string, unknown>[] = await app.database.query(`SELECT * FROM ${table}`);
      for (const { column, isNumber } of columns.filter((one) => one.table === table)) {
        const values = rows.map((row) => row[column]).filter((value) => value !== null && !(value instanceof Date));
        const numbers = values.flatMap((value) => String(value).match(/\b\d{7}\b/g) ?? []).map(Number);
        const from = (first: number) => numbers.filter((n) => n >= first && n < first + RANGE);
        const name = `${table}.${column}`;
        const cells = found.get(name) ?? { isNumber, isEmpty: true, users: new Set(), chats: new Set() };
        found.set(name, cells);
        cells.isEmpty &&= values.length === 0;
        for (const id of from(FIRST_USER)) cells.users.add(id);
        if (values.some((value) => traces.some((trace) => String(value).includes(trace)))) cells.users.add(person.id);
        for (const id of from(FIRST_CHAT)) cells.chats.add(id);
      }
    }
    return found;
  };

  /** What is wrong, for whoever added a column. */
  const findings = async (
    before: Map<string, Cells>,
    after: Map<string, Cells>,
    ended: Set<number>,
  ): Promise<string[]> => {
    const endsIn = (chats: Set<number>): boolean => [...chats].some((id) => ended.has(id));
    const wrong: string[] = [];
    for (const [column, { isNumber, isEmpty, users, chats }] of before) {
      const now = after.get(column)!;
      if (isNumber && isEmpty && !OF_NODES.has(column))
        wrong.push(`${column}: this test stores nothing in it, and so knows nothing of it`);
      if (users.size > 0 && !users.has(person.id))
        wrong.push(`${column}: refers to users, and this test stores nobody in it whose account ends`);
      if (chats.size > 0 && !endsIn(chats) && !(column in NEVER_END))
        wrong.push(`${column}: refers to chats, and this test stores none in it that ends`);
      if (now.users.has(person.id) && !(column in STAYS))
        wrong.push(`${column}: still names a user whose account was erased, without a reason in STAYS`);
      if (endsIn(now.chats) && !(column in OUTLIVES)) wrong.push(`${column}: still names a chat that has ended`);
    }
    for (const [name, { where }] of Object.entries(STAYS)) {
      const [table, column] = name.split('.');
      const isText = column === 'extras' || column === 'target';
      const values = column === 'email' ? [`erased:${person.id}`] : isText ? [`%${person.id}%`] : [person.id];
      const stay = `SELECT 1 FROM ${table} WHERE ${column} ${isText ? 'LIKE' : '='} ?`;
      if ((await app.database.query(stay, values)).length === 0) wrong.push(`${name}: is in STAYS, and nothing stays`);
      if ((await app.database.query(`${stay} AND NOT (${where})`, values)).length > 0)
        wrong.push(`${name}: more stays than STAYS says`);
    }
    for (const column of Object.keys(OUTLIVES))
      if (!after.get(column) || !endsIn(after.get(column)!.chats))
        wrong.push(`${column}: is in OUTLIVES, and names no chat that has ended`);
    for (const column of Object.keys(NEVER_END))
      if (!before.get(column)?.chats.size) wrong.push(`${column}: is in NEVER_END, and refers to no chat`);
    return wrong;
  };

  /** Stores, erases, deletes. @param meanwhile in between @returns what is wrong */
  const wrongAfter = async (meanwhile: (chat: number) => Promise<unknown> = async () => {}): Promise<string[]> => {
    const givenUp = await fullGroup(ada, person, bob);
    const ended = new Set([givenUp, ...(await everywhere())]);
    await meanwhile(givenUp);
    const before = await look();
    // As if the server were killed right after the commits that end the chats: what is left to delete is listed.
    vi.spyOn(ConversationRemoval.prototype, 'wake').mockImplementation(() => {});
    vi.spyOn(ConversationRemoval.prototype, 'finish').mockImplementation(async () => {});
    await leave(ada, givenUp);
    await as(person, 'DELETE', 'users/profile', { password: 'another password' });
    await look(before);
    vi.restoreAllMocks();
    app.get(ConversationRemoval).wake();
    const left = async () => (await app.database.query('SELECT 1 FROM deleted_conversations')).length;
    await eventually(async () => (await left()) === 0 || undefined, 'the end of what is deleted in slices');
    return findings(before, await look(), ended);
  };

  it('is emptied of both when they end, or has a reason', async () => {
    expect(await wrongAfter()).toEqual([]);
  });

  it('is noticed when it is new, and nobody has thought of erasure and deletion', async () => {
    await app.database.query('CREATE TABLE pins (pinned_in INTEGER NOT NULL, pinned_by INTEGER NOT NULL)');
    await app.database.query('ALTER TABLE members ADD COLUMN invited_by INTEGER NULL');
    await app.database.query('ALTER TABLE chat_groups ADD COLUMN picture_of INTEGER NULL');
    await app.database.query('ALTER TABLE chat_groups ADD COLUMN story VARCHAR(80) NULL');
    const pinned = async (chat: number) => {
      await app.database.query(`INSERT INTO pins VALUES (${chat}, ${person.id})`);
      await app.database.query(`UPDATE members SET invited_by = ${ada.id}`);
      await app.database.query(`UPDATE chat_groups SET story = 'founded by ${person.email}'`);
    };
    expect((await wrongAfter(pinned)).sort()).toEqual([
      'chat_groups.picture_of: this test stores nothing in it, and so knows nothing of it',
      'chat_groups.story: still names a user whose account was erased, without a reason in STAYS',
      'members.invited_by: refers to users, and this test stores nobody in it whose account ends',
      'pins.pinned_by: still names a user whose account was erased, without a reason in STAYS',
      'pins.pinned_in: still names a chat that has ended',
    ]);
  });
});
