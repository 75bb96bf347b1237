// No route of an admin's shows what is said in chats, but a report; and what the numbers say.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { ask } from '../support/bot.js';
import { freePort } from '../support/database-server.js';
import { call, Person, sendTo } from '../support/client.js';
import { makeGroup, sayIn } from '../support/groups.js';
import { MailServer } from '../support/mail-server.js';
import { ROUTES } from '../support/routes.js';
import { admin, staff } from '../support/staff.js';

/** Nothing else says it. */
const SAID = 'xylophone';

onAllDialects('an admin', (dialect) => {
  let smtp: MailServer;
  let app: TestApp;
  let grace: Person;
  let ada: Person;
  let group: number;
  let report: number;
  let invite: number;

  beforeAll(async () => {
    // No export is made for an admin without one.
    smtp = await new MailServer(await freePort()).start();
    app = await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${smtp.port}` });
    grace = await staff(app, 'admin');
    ada = await Person.known(app);
    const bob = await Person.known(app, 'Bob');
    const socket = await ada.connect();
    const { chat_room_id: room } = await sendTo(socket, bob.id, `${SAID} 1`);
    group = await makeGroup(ada, [bob]);
    await sayIn(socket, group, `${SAID} 2`);
    await ask(socket, `${SAID} 3`);
    const body = { chat_room_id: room, seq: 1, reason: 'abuse', note: `${SAID} 4` };
    report = (await call(app, 'POST', '/http/reports', { token: bob.token, body })).body.id;
    invite = (await admin(app, grace, 'POST', 'invites', { note: 'for the band' })).body.id;
    ada.hangUp();
  });
  afterAll(async () => {
    await app?.stop();
    await smtp?.stop();
  });

  it('finds no word of it by any route but the report', async () => {
    const ids: Record<string, number> = { users: ada.id, groups: group, reports: report, invites: invite };
    const bodies: Record<string, object> = {
      'PATCH users': { is_suspended: true, reason: 'x' },
      'PATCH groups': { is_frozen: true },
      'PATCH reports': { status: 'resolved', action: 'delete_message' },
      'POST elevate': { password: 'nobody knows' },
    };
    // What ends something comes last.
    const routes = ROUTES.filter(({ needs }) => needs).sort(
      (one, other) => Number(one.route.startsWith('DELETE')) - Number(other.route.startsWith('DELETE')),
    );
    const shown: string[] = [];
    const ended = new Set<string>();
    for (const { route } of routes) {
      const [method, url] = route.split(' ') as [string, string];
      const path = url.slice('/http/admin/'.length);
      const [what] = path.split('/') as [string];
      const answer = await admin(
        app,
        grace,
        method,
        path.replace(':id', String(ids[what])),
        bodies[`${method} ${what}`],
      );
      if (!ended.has(what)) expect(answer.status, route).toBeLessThan(300);
      if (route === 'DELETE /http/admin/users/:id') ended.add('users');
      if (JSON.stringify([answer.body, ...answer.headers]).includes(SAID)) shown.push(route);
    }
    expect(shown).toEqual(['GET /http/admin/reports/:id']);
    const log = await app.database.query('SELECT detail, target FROM audit_log');
    expect(log.length).toBeGreaterThan(5);
    expect(JSON.stringify(log)).not.toContain(SAID);
  });

  it('sees numbers, which are good for a minute', async () => {
    const stats = async () => (await admin(app, grace, 'GET', 'stats')).body;
    const minutesLater = (minutes: number) => void (app.get(Clock).now = () => new Date(Date.now() + minutes * 60_001));
    // The walk above has asked for them, and ended some of what they counted.
    minutesLater(1);
    const before = await stats();
    expect(Object.keys(before).sort()).toEqual(
      'admins at frozen_groups groups messages moderators nodes online open_reports people rooms suspended'.split(' '),
    );
    expect(before).toMatchObject({ admins: 1, moderators: 0, nodes: 1 });
    const eve = await Person.known(app, 'Eve');
    await sendTo(await eve.connect(), grace.id, 'hello');
    expect(await stats()).toEqual(before);
    minutesLater(2);
    expect(await stats()).toMatchObject({
      people: before.people + 1,
      rooms: before.rooms + 1,
      messages: before.messages + 1,
      groups: before.groups,
    });
    eve.hangUp();
  });
});
