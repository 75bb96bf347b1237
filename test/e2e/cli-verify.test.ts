// `parley verify` finds each kind of fault that is planted in the rows, and none where all is well.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsIn } from '../../src/cli/faults.js';
import { loadConfig } from '../../src/config/config.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { parley, parleyJson } from '../support/cli.js';
import { fullHouse, type FullHouse } from '../support/full-house.js';
import { actions, World } from '../support/world.js';

interface Fault {
  name: string;
  plant: (house: FullHouse) => string[];
  mend: (house: FullHouse) => string[];
  finds: (house: FullHouse) => string;
}

const INVITE = 'INSERT INTO invites (id, token_hash, max_uses, uses, created_by, created_at, expires_at, ends_at)';
const MOMENT = `'2026-11-01 00:00:00.000'`;

const FAULTS: Fault[] = [
  {
    name: 'a message that is missing',
    plant: ({ group }) => [
      `UPDATE messages SET conversation_id = conversation_id + 900 WHERE conversation_id = ${group} AND seq = 7`,
    ],
    mend: ({ group }) => [
      `UPDATE messages SET conversation_id = ${group} WHERE conversation_id = ${group} + 900 AND seq = 7`,
    ],
    finds: ({ group }) =>
      `gap        chat ${group}: Its messages are 1 to 22, 21 in all; its last_seq is 22. 7 is missing.`,
  },
  {
    name: 'a row of the audit log that was touched',
    plant: () => [
      `INSERT INTO audit_log (id, at, actor_id, action, target, detail, hash) VALUES (1, '2026-11-01 00:00:00.000', NULL, 'x', 'x', '{}', 'x')`,
      `INSERT INTO audit_heads (id, last_id, hash) VALUES (1, 1, 'x')`,
    ],
    mend: () => ['DELETE FROM audit_log', 'DELETE FROM audit_heads'],
    finds: () => `audit      the audit log: Its chain of hashes breaks at row 1: the row is not what its hash says.`,
  },
  {
    name: 'a last_seq that is ahead',
    plant: ({ room }) => [`UPDATE conversations SET last_seq = last_seq + 1 WHERE id = ${room}`],
    mend: ({ room }) => [`UPDATE conversations SET last_seq = last_seq - 1 WHERE id = ${room}`],
    finds: ({ room }) => `gap        chat ${room}: Its messages are 1 to 5, 5 in all; its last_seq is 6. 6 is missing.`,
  },
  {
    name: 'a last_change that is behind',
    plant: ({ room }) => [`UPDATE conversations SET last_change = last_change - 1 WHERE id = ${room}`],
    mend: ({ room }) => [`UPDATE conversations SET last_change = last_change + 1 WHERE id = ${room}`],
    finds: ({ room }) => `change     chat ${room}: Its last change is 4; its last_change is 3.`,
  },
  {
    name: 'a change of a message that the list of changes does not have',
    plant: ({ room }) => [`UPDATE messages SET change_seq = 77 WHERE conversation_id = ${room} AND seq = 1`],
    mend: ({ room }) => [`UPDATE messages SET change_seq = 1 WHERE conversation_id = ${room} AND seq = 1`],
    finds: ({ room }) => `change     message 1 of chat ${room}: Its change 77 is not among the changes of the chat.`,
  },
  {
    name: 'a read mark beyond the last message',
    plant: ({ room, bob }) => [
      `UPDATE members SET last_read_seq = last_read_seq + 95 WHERE conversation_id = ${room} AND user_id = ${bob.id}`,
    ],
    mend: ({ room, bob }) => [
      `UPDATE members SET last_read_seq = last_read_seq - 95 WHERE conversation_id = ${room} AND user_id = ${bob.id}`,
    ],
    finds: ({ room, bob }) => `mark       chat ${room}: User ${bob.id} has read up to 100; the last message is 5.`,
  },
  {
    name: 'a consumer that is ahead of the messages',
    plant: ({ room }) => [
      `INSERT INTO consumer_marks (conversation_id, name, seq, change_seq) VALUES (${room}, 'planted', 6, 0)`,
    ],
    mend: () => [`DELETE FROM consumer_marks WHERE name = 'planted'`],
    finds: ({ room }) =>
      `mark       chat ${room}: The consumer planted is at message 6 and change 0; the last ones are 5 and 4.`,
  },
  {
    name: 'a count of members',
    plant: ({ group }) => [`UPDATE chat_groups SET member_count = 9 WHERE conversation_id = ${group}`],
    mend: ({ group }) => [`UPDATE chat_groups SET member_count = 2 WHERE conversation_id = ${group}`],
    finds: ({ group }) => `members    chat ${group}: Its member_count is 9; a recount gives 2.`,
  },
  {
    name: 'a member of nobody',
    plant: ({ room, bob }) => [
      `UPDATE members SET user_id = 88888 WHERE conversation_id = ${room} AND user_id = ${bob.id}`,
    ],
    mend: ({ room, bob }) => [
      `UPDATE members SET user_id = ${bob.id} WHERE conversation_id = ${room} AND user_id = 88888`,
    ],
    finds: ({ room }) => `orphan     chat ${room}: Rows in members name user 88888, of whom there is none: 1.`,
  },
  {
    name: 'a total of reactions',
    plant: ({ group }) => [`UPDATE reaction_totals SET total = 5 WHERE conversation_id = ${group} AND total = 2`],
    mend: ({ group }) => [`UPDATE reaction_totals SET total = 2 WHERE conversation_id = ${group} AND total = 5`],
    finds: ({ group }) => `total      message 3 of chat ${group}: The total of 👍 is 5; a recount gives 2.`,
  },
  {
    name: 'a reaction without a total, to a message that is deleted',
    plant: ({ group, bob }) => [
      `INSERT INTO reactions (conversation_id, seq, emoji, user_id) VALUES (${group}, 5, '👍', ${bob.id})`,
    ],
    mend: ({ group }) => [`DELETE FROM reactions WHERE conversation_id = ${group} AND seq = 5`],
    finds: ({ group }) => `forgotten  message 5 of chat ${group}: It is deleted, or never was. Its reactions: 1.`,
  },
  {
    name: 'a mention that the message does not say',
    plant: ({ group, bob }) => [`UPDATE mentions SET seq = 4 WHERE conversation_id = ${group} AND user_id = ${bob.id}`],
    mend: ({ group, bob }) => [`UPDATE mentions SET seq = 21 WHERE conversation_id = ${group} AND user_id = ${bob.id}`],
    finds: ({ group, bob }) =>
      `mention    message 4 of chat ${group}: A row says that it names user ${bob.id}, and it does not, or is not there.`,
  },
  {
    name: 'extras that cannot be read',
    plant: ({ group }) => [`UPDATE messages SET extras = '{oh' WHERE conversation_id = ${group} AND seq = 2`],
    mend: ({ group }) => [`UPDATE messages SET extras = NULL WHERE conversation_id = ${group} AND seq = 2`],
    finds: ({ group }) => `extras     message 2 of chat ${group}: What it says beside its text cannot be read.`,
  },
  {
    name: 'an answer to a message that comes later',
    plant: ({ group }) => [
      `UPDATE messages SET extras = '{"reply_to":9}' WHERE conversation_id = ${group} AND seq = 2`,
    ],
    mend: ({ group }) => [`UPDATE messages SET extras = NULL WHERE conversation_id = ${group} AND seq = 2`],
    finds: ({ group }) => `extras     message 2 of chat ${group}: It answers message 9, which cannot be.`,
  },
  {
    name: 'the text of a deleted message',
    plant: ({ room }) => [`UPDATE messages SET body = 'back' WHERE conversation_id = ${room} AND seq = 4`],
    mend: ({ room }) => [`UPDATE messages SET body = '' WHERE conversation_id = ${room} AND seq = 4`],
    finds: ({ room }) =>
      `forgotten  message 4 of chat ${room}: It is deleted, and its text or what it says beside it is there.`,
  },
  {
    name: 'rows of a chat that is not there',
    plant: () => [
      `INSERT INTO members (conversation_id, user_id, last_read_seq, joined_at) VALUES (70001, 1, 0, '2026-01-01 00:00:00.000')`,
    ],
    mend: () => ['DELETE FROM members WHERE conversation_id = 70001'],
    finds: () => 'orphan     chat 70001: There is no such chat. Its rows in members: 1.',
  },
  {
    name: 'the name of somebody whose account is erased',
    plant: () => [`UPDATE users SET first_name = 'Gone' WHERE erased_at IS NOT NULL`],
    mend: () => [`UPDATE users SET first_name = 'deleted' WHERE erased_at IS NOT NULL`],
    finds: () => `forgotten  user 3: The account is erased, and its address, name or password is there.`,
  },
  {
    name: 'the session of somebody who is suspended',
    plant: ({ bob }) => [`UPDATE users SET suspended_at = '2026-01-01 00:00:00.000' WHERE id = ${bob.id}`],
    mend: ({ bob }) => [`UPDATE users SET suspended_at = NULL WHERE id = ${bob.id}`],
    finds: ({ bob }) => `suspended  user ${bob.id}: They are suspended. Their sessions that have not ended: 1.`,
  },
  {
    name: 'the export of somebody who is suspended',
    plant: ({ ada }) => [
      `UPDATE users SET suspended_at = '2026-01-01 00:00:00.000' WHERE id = ${ada.id}`,
      `UPDATE sessions SET revoked_at = '2026-01-01 00:00:00.000' WHERE user_id = ${ada.id}`,
    ],
    mend: ({ ada }) => [
      `UPDATE users SET suspended_at = NULL WHERE id = ${ada.id}`,
      `UPDATE sessions SET revoked_at = NULL WHERE user_id = ${ada.id}`,
    ],
    finds: ({ ada }) =>
      `suspended  user ${ada.id}: They are suspended. Their exports that somebody could still get: 1.`,
  },
  {
    name: 'a report about nobody',
    plant: () => ['UPDATE reports SET reported_id = 70001'],
    mend: ({ bob }) => [`UPDATE reports SET reported_id = ${bob.id}`],
    finds: () => 'orphan     report 1: It is about user 70001, of whom there is none.',
  },
  {
    name: 'the note of a reporter who is gone',
    plant: () => ['UPDATE reports SET reporter_id = NULL'],
    mend: ({ ada }) => [`UPDATE reports SET reporter_id = ${ada.id}`],
    finds: () => 'forgotten  report 1: Who made it has erased their account, and their name or note is there.',
  },
  {
    name: 'a report that is half settled',
    plant: () => [`UPDATE reports SET status = 'resolved'`],
    mend: () => [`UPDATE reports SET status = 'open'`],
    finds: () => 'report     report 1: What it says of how and when it was settled does not fit its status.',
  },
  {
    name: 'a message that a report has deleted',
    plant: () => [`UPDATE reports SET status = 'resolved', action = 'delete_message', settled_at = created_at`],
    mend: () => [`UPDATE reports SET status = 'open', action = NULL, settled_at = NULL`],
    finds: ({ room }) => `forgotten  message 2 of chat ${room}: Report 1 has deleted it, and it is there.`,
  },
  {
    name: 'copies of messages for a report that is gone',
    plant: () => ['UPDATE report_messages SET report_id = 70001'],
    mend: () => ['UPDATE report_messages SET report_id = 1'],
    finds: () => 'forgotten  report 70001: There is no such report. Copies of messages for it: 2.',
  },
  {
    name: 'an invitation that was used too often',
    plant: () => [`${INVITE} VALUES (9, 'x', 2, 3, NULL, ${MOMENT}, ${MOMENT}, ${MOMENT})`],
    mend: () => ['DELETE FROM invites'],
    finds: () => 'invite     invitation 9: It has made 3 accounts; it may make 2.',
  },
  {
    name: 'an invitation of somebody who is gone',
    plant: () => [`${INVITE} VALUES (9, 'x', 2, 0, 3, ${MOMENT}, ${MOMENT}, ${MOMENT})`],
    mend: () => ['DELETE FROM invites'],
    finds: () => 'forgotten  invitation 9: User 3 has made it, whose account is erased, or never was.',
  },
];

onAllDialects('parley verify', (dialect) => {
  let app: TestApp;
  let house: FullHouse;
  beforeAll(async () => {
    app = await TestApp.start(dialect);
    house = await fullHouse(app);
  });
  afterAll(() => app.stop());

  const run = async (statements: string[]): Promise<void> => {
    for (const sql of statements) await app.database.query(sql);
  };
  it('finds nothing in a community in which everything has happened', async () => {
    const { code, stdout, stderr } = await parley(app.env, 'verify', '--hurry');
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/^Nothing wrong in 4 chats with \d+ messages/),
      '',
    ]);
  });

  it('finds each fault that is planted, and says where', async () => {
    for (const fault of FAULTS) {
      await run(fault.plant(house));
      const found = await faultsIn(loadConfig(app.env));
      await run(fault.mend(house));
      const lines = found.map(({ kind, where, text }) => `${kind.padEnd(9)}  ${where}: ${text}`);
      expect([fault.name, lines]).toEqual([fault.name, expect.arrayContaining([fault.finds(house)])]);
    }
    expect(await parleyJson(app.env, 'verify', '--hurry')).toMatchObject({ ok: true, count: 0, findings: [] });
  });

  it('shows no text of a message, and everything at once as JSON', async () => {
    await run(FAULTS[0].plant(house));
    const [answer, { code, stdout }] = [
      await parleyJson(app.env, 'verify', '--hurry'),
      await parley(app.env, 'verify', '--hurry'),
    ];
    await run(FAULTS[0].mend(house));
    expect(answer.ok).toBe(false);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`${FAULTS[0].finds(house)}\n`)]);
    expect(answer.findings).toContainEqual({
      kind: 'gap',
      where: `chat ${house.group}`,
      text: expect.stringContaining('7 is missing'),
    });
    expect(JSON.stringify(answer)).not.toContain('message 7"');
  });
});

describe('parley verify', () => {
  it('finds nothing in what random people do, while they do it', async () => {
    const app = await TestApp.start('sqlite');
    const world = await World.start(app);
    const deeds = fc.sample(actions, { numRuns: 6, seed: 11 }).flat();
    const acting = (async () => {
      for (const deed of deeds) await world.act(deed);
    })();
    const beside = await parley(app.env, 'verify');
    await acting;
    const after = await parley(app.env, 'verify', '--hurry');
    expect([beside.stdout, after.stdout]).toEqual([
      expect.stringMatching(/^Nothing wrong/),
      expect.stringMatching(/^Nothing wrong/),
    ]);
    for (const person of world.people) person.hangUp();
    await app.stop();
  });

  it('says where there is nothing to look at', async () => {
    const { code, stderr } = await parley({ DATA_DIR: '/nowhere/at/all' }, 'verify');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^There is no database in .*\n$/)]);
  });
});
