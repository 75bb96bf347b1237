// Invitations that lead into groups: who registers by one is a member once their account is made, in the same transaction.
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AdminInvitesService } from '../../src/admin/admin-invites.service.js';
import { MOST_GROUPS } from '../../src/auth/invite.entity.js';
import { GroupMembership } from '../../src/chat-groups/membership/group-membership.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { parley, parleyJson } from '../support/cli.js';
import { call, linkPath, mailTo, next, Person } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { freePort } from '../support/database-server.js';
import { makeGroup } from '../support/groups.js';
import { MailServer } from '../support/mail-server.js';
import { type MadeInvite, register } from '../support/registering.js';
import { admin, auditAfter, staff } from '../support/staff.js';

type Invitation = MadeInvite & { group_ids: number[] };

let guests = 0;

const groupOf = (owner: Person, name: string, isPrivate = false) => makeGroup(owner, [], { name, isPrivate });

/** Registers by an invitation. @returns the address, and the path of the link */
async function ask(app: TestApp, { token }: MadeInvite): Promise<{ email: string; path: string }> {
  const email = `newcomer${++guests}@example.com`;
  expect((await register(app, email, token)).status).toBe(202);
  return { email, path: linkPath(await mailTo(app, email)) };
}

async function idOf(app: TestApp, email: string): Promise<number | undefined> {
  const [row] = await app.database.query('SELECT id FROM users WHERE email = ?', [email]);
  return row?.id;
}

const groupsOf = async (app: TestApp, userId: number): Promise<number[]> =>
  (await app.database.query('SELECT conversation_id AS id FROM members WHERE user_id = ? ORDER BY id', [userId])).map(
    ({ id }: { id: number }) => id,
  );

onAllDialects('an invitation into groups', (dialect) => {
  let app: TestApp;
  let grace: Person;
  let ada: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect, {
      REGISTRATION: 'invite',
      MEMBERSHIPS_PER_USER: '3',
      GROUPS_OWNED_PER_USER: '3',
    });
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    ada = await Person.known(app);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    ada.hangUp();
  });

  const make = (request: object) => admin(app, grace, 'POST', 'invites', request);
  const into = async (...ids: number[]): Promise<Invitation> => {
    const { status, body } = await make({ group_ids: ids, max_uses: 5 });
    expect(status).toBe(201);
    return body;
  };
  /** Registers by it, and opens the link. @returns their id */
  const come = async (invite: MadeInvite): Promise<number> => {
    const { email, path } = await ask(app, invite);
    expect((await call(app, 'GET', path)).status).toBe(200);
    return (await idOf(app, email))!;
  };

  it('says so in the list and in the audit log', async () => {
    const [cooks, guestsGroup] = [await groupOf(ada, 'Cooks'), await groupOf(ada, 'Guests')];
    const lastId = (await auditAfter(app)).length;
    const made = await into(guestsGroup, cooks);
    expect(made.group_ids).toEqual([guestsGroup, cooks]);
    const [shown] = (await admin(app, grace, 'GET', 'invites')).body;
    expect(shown).toMatchObject({ id: made.id, group_ids: [guestsGroup, cooks] });
    expect((await make({})).body.group_ids).toEqual([]);
    const acts = await auditAfter(app, lastId);
    expect(acts.map(({ detail }) => detail['group_ids'])).toEqual([[guestsGroup, cooks], undefined]);
  });

  it('makes members of those who open their link, not before, and tells the groups', async () => {
    const [cooks, guestsGroup] = [await groupOf(ada, 'Cooks'), await groupOf(ada, 'Guests')];
    const socket = await ada.connect();
    await call(app, 'POST', `/http/chat_groups/${cooks}`, { token: ada.token, body: { is_enter: true } });
    const { email, path } = await ask(app, await into(cooks, guestsGroup));
    expect(await idOf(app, email)).toBeUndefined();
    const told = next(
      socket,
      'group_update',
      (event: any) => event.chat_group_id === cooks && event.member_count === 2,
    );
    expect((await call(app, 'GET', path)).status).toBe(200);
    await told;
    const id = (await idOf(app, email))!;
    expect(await groupsOf(app, id)).toEqual([cooks, guestsGroup]);
    const token = await app.createSession(id);
    const list = (await call(app, 'GET', '/http/chat_groups', { token })).body;
    expect(list.find((group: any) => group.id === cooks)).toMatchObject({ is_member: true, unread_count: 0 });
    // Opened again, it changes nothing.
    expect((await call(app, 'DELETE', `/http/chat_groups/${cooks}/members/${id}`, { token })).status).toBe(204);
    expect((await call(app, 'GET', path)).status).toBe(200);
    expect(await groupsOf(app, id)).toEqual([guestsGroup]);
  });

  it('leaves out what is gone, frozen, closed or one too many by then, without a word', async () => {
    const bob = await Person.known(app, 'Bob');
    const [gone, frozen, closed] = [await groupOf(ada, 'Gone'), await groupOf(ada, 'Frozen'), await groupOf(ada, 'C')];
    const good = [await groupOf(bob, 'One'), await groupOf(bob, 'Two'), await groupOf(bob, 'Three')];
    const eve = await Person.known(app, 'Eve');
    const surplus = await groupOf(eve, 'Four');
    const invite = await into(surplus, ...good, gone, frozen, closed);
    expect((await admin(app, grace, 'DELETE', `groups/${gone}`)).status).toBe(204);
    expect((await admin(app, grace, 'PATCH', `groups/${frozen}`, { is_frozen: true })).status).toBe(200);
    await app.database.query('UPDATE chat_groups SET is_private = 1 WHERE conversation_id = ?', [closed]);
    expect(await groupsOf(app, await come(invite))).toEqual(good);
    const counts = await app.database.query(
      `SELECT member_count FROM chat_groups WHERE conversation_id IN (${[frozen, closed, surplus, ...good].join()})
       ORDER BY conversation_id`,
    );
    expect(counts.map(({ member_count: n }: { member_count: number }) => n)).toEqual([1, 1, 2, 2, 2, 1]);
  });

  it('leads into private groups of its maker, and into nobody else’s', async () => {
    const hers = await groupOf(grace, 'Staff', true);
    const secret = await groupOf(ada, 'Secret', true);
    const refused = await make({ group_ids: [hers, secret, 1_999_999_999] });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(refused.body.fields.group_ids).toEqual([
      'names groups that are not there: 1999999999',
      `names private groups, into which only their owner invites: ${secret}`,
    ]);
    const invite = await into(hers);
    expect(await groupsOf(app, await come(invite))).toEqual([hers]);
    // Handed over to somebody else, it is theirs to open.
    await app.database.query('UPDATE chat_groups SET owner_id = ? WHERE conversation_id = ?', [ada.id, hers]);
    expect(await groupsOf(app, await come(invite))).toEqual([]);
  });

  it.each([
    ['a text', '1'],
    ['a text in a list', ['1']],
    ['0', [0]],
    ['a fraction', [1.5]],
    ['one that is too large', [2 ** 31]],
    ['one twice', [1, 1]],
    ['too many', Array.from({ length: MOST_GROUPS + 1 }, (_, i) => i + 1)],
  ])('takes no list with %s', async (_, ids) => {
    const { status, body } = await make({ group_ids: ids });
    expect([status, Object.keys(body.fields)]).toEqual([400, ['group_ids']]);
  });

  it('makes no account where a group cannot be entered for another reason, and all of it the next time', async () => {
    const cooks = await groupOf(ada, 'Cooks');
    const { email, path } = await ask(app, await into(cooks));
    vi.spyOn(GroupMembership.prototype, 'addMember').mockImplementationOnce(() => {
      throw new Error('as a query that fails');
    });
    expect((await call(app, 'GET', path)).status).toBe(500);
    expect(await idOf(app, email)).toBeUndefined();
    expect((await call(app, 'GET', path)).status).toBe(200);
    expect(await groupsOf(app, (await idOf(app, email))!)).toEqual([cooks]);
  });

  it('lets in many at the same moment, each into all', async () => {
    const groups = [await groupOf(ada, 'Cooks'), await groupOf(ada, 'Guests')];
    const invite = await into(...groups);
    const asked = [];
    for (let i = 0; i < 5; i++) asked.push(await ask(app, invite));
    const opened = await Promise.all(asked.map(({ path }) => call(app, 'GET', path)));
    expect(opened.map(({ status }) => status)).toEqual(Array(5).fill(200));
    for (const { email } of asked) expect(await groupsOf(app, (await idOf(app, email))!)).toEqual(groups);
    const counts = await app.database.query(
      `SELECT member_count FROM chat_groups WHERE conversation_id IN (${groups.join()})`,
    );
    expect(counts).toEqual([{ member_count: 6 }, { member_count: 6 }]);
  });

  it.runIf(dialect !== 'sqlite')(
    'waits for groups in which people write, and does not begin anew for each',
    async () => {
      const groups = [await groupOf(ada, 'Cooks'), await groupOf(ada, 'Guests')];
      const { email, path } = await ask(app, await into(...groups));
      const holders = await Promise.all(groups.map(() => createConnection(app.env['DATABASE_URL'])));
      for (const [i, holder] of holders.entries()) {
        await holder.query('START TRANSACTION');
        await holder.query('SELECT id FROM conversations WHERE id = ? FOR UPDATE', [groups[i]]);
      }
      let accounts = 0;
      const statements = vi.spyOn(app.database.logger, 'logQuery').mockImplementation((sql) => {
        if (/^INSERT INTO `?users/.test(sql)) accounts++;
        // Asked for and found held: free from the next look on.
        if (/FROM conversations .*FOR UPDATE/.test(sql)) for (const holder of holders) holder.destroy();
      });
      expect((await call(app, 'GET', path)).status).toBe(200);
      statements.mockRestore();
      expect(accounts).toBe(1);
      expect(await groupsOf(app, (await idOf(app, email))!)).toEqual(groups);
    },
  );

  it.runIf(dialect === 'sqlite')('is made by `parley invite create --group`, and shown', async () => {
    const [cooks, secret] = [await groupOf(ada, 'Cooks'), await groupOf(ada, 'Secret', true)];
    const guestsGroup = await groupOf(ada, 'Guests');
    const made = await parley(app.env, 'invite', 'create', '--group', String(cooks), '--group', String(guestsGroup));
    expect(made.stdout).toMatch(new RegExp(`, and leads into groups ${cooks}, ${guestsGroup}:\n`));
    expect((await parley(app.env, 'invite', 'list')).stdout).toMatch(
      new RegExp(`^\\d+ +live +0 of 1 account +until \\S+ +by console +groups ${cooks}, ${guestsGroup}\n`),
    );
    expect((await parleyJson(app.env, 'invite', 'list')).invites[0].group_ids).toEqual([cooks, guestsGroup]);
    for (const [word, sentence] of [
      ['cooks', /argument 'cooks' is invalid\. It must be a whole number from 1 on\.$/m],
      [String(secret), /^--group names private groups, into which only their owner invites: \d+\.$/m],
    ] as const)
      expect(await parley(app.env, 'invite', 'create', '--group', word)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(sentence),
      });
  });

  it.runIf(dialect === 'sqlite')('is no matter to a server that knows of none, where none are named', async () => {
    const service = app.get(AdminInvitesService);
    const create = service.create.bind(service);
    const asked = vi.spyOn(service, 'create').mockImplementation(async (...given) => {
      const { group_ids: _, ...rest } = await create(...given);
      return rest as Awaited<ReturnType<typeof create>>;
    });
    expect(await parley(app.env, 'invite', 'create')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Invitation \d+ is good for 1 account until \S+:\n/),
    });
    expect(asked.mock.lastCall![1].group_ids).toBeUndefined();
  });
});

onNodes('an invitation into groups, on two nodes', (kind) => {
  let mails: MailServer;
  let nodes: TestCommunity;
  beforeAll(async () => {
    mails = await new MailServer(await freePort()).start();
    nodes = await TestCommunity.start(kind, 2, { SMTP_URL: `smtp://127.0.0.1:${mails.port}` });
  });
  afterAll(async () => {
    await nodes?.stop();
    await mails?.stop();
  });

  it('is announced to members on the other node', async () => {
    const [one, two] = nodes.nodes as [TestApp, TestApp];
    const [grace, ada] = [await staff(one, 'admin'), await Person.known(two)];
    const cooks = await groupOf(ada, 'Cooks');
    const socket = await ada.connect();
    const { body: invite } = await admin(one, grace, 'POST', 'invites', { group_ids: [cooks] });
    const email = 'newcomer@example.com';
    expect((await register(one, email, invite.token)).status).toBe(202);
    const [path] = /\/http\/register\/\w+/.exec((await mails.mailTo(email)).email.text!)!;
    const told = next(
      socket,
      'group_update',
      (event: any) => event.chat_group_id === cooks && event.member_count === 2,
    );
    expect((await call(one, 'GET', path)).status).toBe(200);
    await told;
    expect(await groupsOf(two, (await idOf(two, email))!)).toEqual([cooks]);
    ada.hangUp();
  });
});
