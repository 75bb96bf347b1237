// Admins who act at the same time, on one server and on two: nobody is left without one, and the log is whole.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminUsersService } from '../../src/admin/admin-users.service.js';
import { AuditLog } from '../../src/identity/audit/audit-log.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { Person } from '../support/client.js';
import { TestCommunity, onNodes } from '../support/community.js';
import { admin, auditAfter, setRole, staff } from '../support/staff.js';

/** The same by each of these servers in turn: they share one database. */
function races(start: () => Promise<{ apps: TestApp[]; stop: () => Promise<void> }>): void {
  let apps: TestApp[];
  let app: TestApp;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    ({ apps, stop } = await start());
    app = apps[0];
  });
  afterAll(() => stop?.());

  /** None but these are admins from here on. */
  const onlyAdmins = async (count: number): Promise<Person[]> => {
    await app.database.query('UPDATE users SET role = NULL');
    return Promise.all(Array.from({ length: count }, (_, i) => staff(app, 'admin', `Admin${i}`)));
  };
  const at = (i: number): TestApp => apps[i % apps.length];
  const change = (i: number, by: Person, whom: Person, body: object) =>
    admin(at(i), by, 'PATCH', `users/${whom.id}`, body);
  const adminsLeft = async (): Promise<number> =>
    (
      await app.database.query(
        "SELECT id FROM users WHERE role = 'admin' AND suspended_at IS NULL AND erased_at IS NULL",
      )
    ).length;
  const holds = async (rows: number): Promise<void> =>
    expect(await app.get(AuditLog).verify()).toMatchObject({ isWhole: true, rows });

  it('two who demote each other: one is left', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, two] = await onlyAdmins(2);
      const answers = await Promise.all([
        change(0, one, two, { role: 'person' }),
        change(1, two, one, { role: 'person' }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
      expect(await adminsLeft()).toBe(1);
    }
  });

  it.each([{ role: 'person' }, { is_suspended: true }, 'erase'])(
    'the last two, by the command line, at once: %j',
    async (what) => {
      for (let round = 0; round < 3; round++) {
        const people = await onlyAdmins(2);
        const answers = await Promise.allSettled(
          people.map(({ id }, i) => {
            const users = at(i).get(AdminUsersService);
            return typeof what === 'string' ? users.erase('console', id) : users.change('console', id, what as never);
          }),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
        expect(reasons).toMatchObject([{ code: 'last_admin', status: 409 }]);
        expect(await adminsLeft()).toBe(1);
      }
    },
  );

  it('the last one cannot go in any way', async () => {
    const [last] = await onlyAdmins(1);
    const refused = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code];
    expect(refused(await change(0, last, last, { role: 'moderator' }))).toEqual([409, 'last_admin']);
    const users = app.get(AdminUsersService);
    await expect(users.change('console', last.id, { is_suspended: true })).rejects.toMatchObject({
      code: 'last_admin',
    });
    await expect(users.erase('console', last.id)).rejects.toMatchObject({ code: 'last_admin' });
    // A second one may, and a suspended one is none that would be left.
    const second = await Person.known(app);
    await setRole(app, second, 'admin');
    await users.change('console', second.id, { is_suspended: true });
    expect(refused(await change(0, last, last, { role: 'moderator' }))).toEqual([409, 'last_admin']);
    await users.change('console', second.id, { is_suspended: false });
    expect((await change(0, last, last, { role: 'moderator' })).status).toBe(200);
  });

  it('two who suspend and resume somebody: a row in the log for each that has changed something', async () => {
    const [one, two] = await onlyAdmins(2);
    const ada = await Person.known(app);
    const before = (await auditAfter(app)).length;
    const requests = Array.from({ length: 12 }, (_, i) =>
      change(i, i % 3 ? one : two, ada, { is_suspended: i % 2 === 0 }),
    );
    for (const { status } of await Promise.all(requests)) expect(status).toBe(200);
    const rows = await auditAfter(app, before);
    // Each row goes on from where the one before it has ended.
    let isSuspended = false;
    for (const { detail, actor_id } of rows) {
      expect(detail).toEqual({ is_suspended: [isSuspended, !isSuspended] });
      expect([one.id, two.id]).toContain(actor_id);
      isSuspended = !isSuspended;
    }
    const [{ suspended_at }] = await app.database.query('SELECT suspended_at FROM users WHERE id = ?', [ada.id]);
    expect(suspended_at !== null).toBe(isSuspended);
    await holds(before + rows.length);
  });

  it('and many others: as many rows as acts, and a chain that holds', async () => {
    const admins = await onlyAdmins(3);
    const people = await Promise.all(Array.from({ length: 8 }, () => Person.known(app)));
    const before = (await auditAfter(app)).length;
    const acts = people.flatMap((person, i) => [
      change(i, admins[i % 3], person, { role: 'moderator', reason: 'Gruß 👋 \u0000' }),
      admin(at(i + 1), admins[(i + 1) % 3], 'DELETE', `users/${person.id}/sessions`),
    ]);
    for (const { status } of await Promise.all(acts)) expect(status).toBeLessThan(300);
    expect(await auditAfter(app, before)).toHaveLength(acts.length);
    await holds(before + acts.length);
  });
}

onAllDialects('admins at once', (dialect) => {
  races(async () => {
    const app = await TestApp.start(dialect);
    return { apps: [app], stop: () => app.stop() };
  });
});

onNodes('admins at once', (kind) => {
  describe('on two nodes', () =>
    races(async () => {
      const nodes = await TestCommunity.start(kind, 2);
      return { apps: nodes.nodes, stop: () => nodes.stop() };
    }));
});
