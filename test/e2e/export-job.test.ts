// The job that makes exports: what becomes of one that breaks off in the middle, and of many nodes that could make it.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { ExportMaker } from '../../src/auth/export/export-maker.js';
import { OwnData } from '../../src/auth/export/own-data.js';
import { Leases } from '../../src/cluster/leases.js';
import { Clock } from '../../src/common/timing/clock.js';
import { Pauses } from '../../src/common/timing/pauses.js';
import { loadConfig } from '../../src/config/config.js';
import { openToRead } from '../../src/database/open-to-read.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, eventually, linkPath, Person, sendTo } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { freePort } from '../support/database-server.js';
import {
  askForExport,
  download,
  emptied,
  exported,
  EXPORTED_WITHIN_MS,
  exportMailed,
  exportsOf,
  mailsTo,
  partsOf,
} from '../support/exports.js';
import { MailServer } from '../support/mail-server.js';
import { ServerProcess } from '../support/server-process.js';
import { KNOWN_PASSWORD, staff, suspend } from '../support/staff.js';
import { jsonLines, unzipped } from '../support/zip.js';

/** Longer than a test takes: what is made meanwhile, is made because the job was woken, or was to try again. */
const HOUR_MS = 3_600_000;

onAllDialects('the job that makes exports', (dialect) => {
  let app: TestApp;
  let grace: Person;
  let offset = 0;
  const start = (started: TestApp) => {
    app = started;
    app.get(Clock).now = () => new Date(Date.now() + offset);
  };
  beforeAll(async () => {
    const starting = vi.spyOn(ExportMaker.prototype, 'onApplicationBootstrap');
    starting.mockImplementationOnce(function (this: ExportMaker) {
      this.everyMs = HOUR_MS;
      starting.mockRestore();
      this.onApplicationBootstrap();
    });
    start(await TestApp.start(dialect));
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  afterEach(() => {
    offset = 0;
    vi.restoreAllMocks();
  });

  const filesAt = async (path: string) => unzipped(await download(app, path));
  /** Files of which the last one does not come before it is let go; what stands before it is stored by then. */
  const holdUp = (how: () => Promise<void>) =>
    vi.spyOn(OwnData.prototype, 'filesOf').mockImplementationOnce(() => [
      {
        name: 'half.txt',
        texts: async function* () {
          for (let i = 0; i < 20; i++) yield randomBytes(30_000).toString('hex');
          await how();
        },
      },
    ]);

  it('leaves the database alone while nobody asks for an export, and makes one at once', async () => {
    const log = vi.spyOn(app.database.logger, 'logQuery');
    const asked = () => log.mock.calls.filter(([sql]) => /\b(exports|export_parts)\b/.test(sql)).length;
    const pauses = vi.spyOn(Pauses.prototype, 'take');
    const ada = await Person.known(app);
    const path = await exported(app, ada);
    const isResting = () =>
      pauses.mock.calls.some(([ms], i) => ms === HOUR_MS && pauses.mock.settledResults[i].type === 'incomplete');
    await expect.poll(isResting).toBe(true);
    const before = asked();
    const bob = await Person.known(app, 'Bob');
    await sendTo(await bob.connect(), ada.id, 'meanwhile');
    bob.hangUp();
    expect([asked(), isResting()]).toEqual([before, true]);
    await download(app, path);
    expect(asked()).toBeGreaterThan(before);
  });

  it('is given up, with a mail, once ten tries have ended with the process', async () => {
    const ada = await Person.known(app);
    let isBroken = false;
    holdUp(async () => {
      const [{ id }] = await exportsOf(app, ada);
      await app.database.query('UPDATE exports SET tries = 10 WHERE id = ?', [id]);
      offset = 60_000;
      isBroken = true;
      throw new Error('as one that ends the process');
    });
    expect((await askForExport(ada)).status).toBe(202);
    await expect.poll(() => isBroken, { timeout: EXPORTED_WITHIN_MS }).toBe(true);
    expect((await exportMailed(app, ada)).subject).toBe('Your Parley export could not be made');
    expect((await exportsOf(app, ada))[0]).toMatchObject({ tries: 10 });
  });

  it('rests where not even the try can be written down, on a full disk say, and makes it later', async () => {
    const ada = await Person.known(app);
    const { prototype } = ExportMaker as unknown as { prototype: { change(): Promise<void> } };
    const written = vi.spyOn(prototype, 'change').mockRejectedValue(new Error('as on a full disk'));
    expect((await askForExport(ada)).status).toBe(202);
    await expect.poll(() => written.mock.calls.length).toBe(1);
    // Other work of the same process goes on meanwhile.
    for (let i = 0; i < 20; i++) await call(app, 'GET', '/http/users', { token: ada.token });
    expect(written).toHaveBeenCalledTimes(1);
    written.mockRestore();
    expect(linkPath(await exportMailed(app, ada, 1))).toMatch(/^\/http\/export\//);
  });

  it('is made again, from its beginning and with one mail, after the job broke in the middle', async () => {
    const ada = await Person.known(app);
    let parts = 0;
    holdUp(async () => {
      const [{ id }] = await exportsOf(app, ada);
      parts = await partsOf(app, id);
      // Later, so that it is not waited for.
      offset = 60_000;
      throw new Error('as a query that fails');
    });
    const path = await exported(app, ada);
    expect(parts).toBeGreaterThan(0);
    expect(Object.keys(await filesAt(path))).toHaveLength(8);
    const [row] = await exportsOf(app, ada);
    expect(row.tries).toBe(2);
    const [{ total }] = await app.database.query(
      'SELECT SUM(LENGTH(bytes)) AS total FROM export_parts WHERE export_id = ?',
      [row.id],
    );
    expect(Number(total)).toBe(row.size);
    expect(await mailsTo(app, ada)).toHaveLength(1);
  });

  it('is given up where it is asked for again, suspended or erased while it is made', async () => {
    const [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    const meanwhile = async (person: Person, act: () => Promise<Answer>) => {
      const acted = new Promise<void>((resolve) => {
        holdUp(async () => {
          expect((await act()).status).toBeLessThan(300);
          resolve();
        });
      });
      expect((await askForExport(person)).status).toBe(202);
      await acted;
    };
    await meanwhile(bob, () => suspend(app, grace, bob));
    const erase = { token: eve.token, body: { password: KNOWN_PASSWORD } };
    await meanwhile(eve, () => call(app, 'DELETE', '/http/users/profile', erase));
    await meanwhile(ada, () => askForExport(ada));
    expect(Object.keys(await filesAt(linkPath(await exportMailed(app, ada))))).toHaveLength(8);
    expect((await exportsOf(app, ada)).map(({ tries }) => tries)).toEqual([1, 1]);
    expect([...(await mailsTo(app, bob)), ...(await mailsTo(app, eve))]).toEqual([]);
    const parts = await app.database.query(
      "SELECT 1 FROM export_parts p JOIN exports x ON x.id = p.export_id WHERE x.state <> 'ready'",
    );
    expect(parts).toEqual([]);
  });

  it('that is larger than allowed is given up, with a mail that says whom to ask', async () => {
    const ada = await Person.known(app);
    const maker = app.get(ExportMaker);
    const { largest } = maker;
    maker.largest = 100;
    await askForExport(ada);
    const mail = await exportMailed(app, ada);
    maker.largest = largest;
    expect(mail.subject).toBe('Your Parley export could not be made');
    expect(mail.text.replace(/\s+/g, ' ')).toContain('512 MiB. Ask those who run the server');
    const [{ id, token_hash: hash }] = await exportsOf(app, ada);
    expect(hash).toBeNull();
    await emptied(app, id);
  });

  it('goes on after a stop in the middle, which counts no try', async () => {
    const ada = await Person.known(app);
    let letGo = () => {};
    const begun = new Promise<void>((resolve) => {
      holdUp(() => {
        resolve();
        return new Promise((go) => (letGo = go));
      });
    });
    expect((await askForExport(ada)).status).toBe(202);
    await begun;
    const stopping = vi.spyOn(app.get(Leases), 'beforeApplicationShutdown');
    const closed = app.app.close();
    // Let go sooner, it would be done before it hears of the stop.
    await expect.poll(() => stopping.mock.calls.length).toBe(1);
    letGo();
    await closed;
    start(await TestApp.startIn(app.env, app.removeData));
    const mail = await exportMailed(app, ada);
    expect(Object.keys(await filesAt(linkPath(mail)))).toHaveLength(8);
    expect((await exportsOf(app, ada))[0].tries).toBe(1);
  });
});

onAllDialects('kill -9 while an export is made', (dialect) => {
  it('makes it again, and sends one mail', { timeout: 300_000 }, async () => {
    const app = await TestApp.start(dialect);
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const { chat_room_id: room } = await sendTo(await ada.connect(), bob.id, 'the first one');
    ada.hangUp();
    // What does not shrink, so that it takes a while.
    const count = 12_000;
    for (let seq = 2; seq <= count;) {
      const values: unknown[] = [];
      const rows = Array.from({ length: Math.min(200, count + 1 - seq) }, () => {
        values.push(room, seq++, ada.id, randomBytes(1_500).toString('base64'), '2026-01-01 00:00:00.000');
        return '(?, ?, ?, ?, ?)';
      });
      const into = 'INSERT INTO messages (conversation_id, seq, sender_id, body, created_at)';
      await app.database.query(`${into} VALUES ${rows.join()}`, values);
    }
    await app.database.query('UPDATE conversations SET last_seq = ? WHERE id = ?', [count, room]);
    await app.app.close();
    const { PORT: _, ...env } = app.env;
    let server = await ServerProcess.start(env);
    const look = await openToRead(loadConfig(env));
    const begun = async () => {
      const rows = await look!.query('SELECT part FROM export_parts LIMIT 8');
      return rows.length > 4 || undefined;
    };
    try {
      expect((await askForExport(ada.at(server))).status).toBe(202);
      await eventually(begun, 'the first parts', EXPORTED_WITHIN_MS);
      await server.kill();
      expect(await look!.query('SELECT state, tries FROM exports')).toEqual([{ state: 'waiting', tries: 1 }]);
      server = await ServerProcess.restart(server, env);
      const mail = await exportMailed(server, ada);
      const files = unzipped(await download(server, linkPath(mail)));
      expect(jsonLines(files['messages.jsonl']).map(({ seq }) => seq)).toEqual(
        Array.from({ length: count }, (_none, i) => i + 1),
      );
    } finally {
      await look?.destroy();
      await server.kill();
      await app.removeData();
    }
  });
});

onNodes('an export, on two nodes', (kind) => {
  let smtp: MailServer;
  let nodes: TestCommunity;
  beforeAll(async () => {
    smtp = await new MailServer(await freePort()).start();
    nodes = await TestCommunity.start(kind, 2, { SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, RATE_LIMITS: 'on' });
  });
  afterAll(async () => {
    await nodes?.stop();
    await smtp?.stop();
  });

  it('is made once, and given out by both; the second one of a day is refused by both', async () => {
    const [one, two] = nodes.nodes as [TestApp, TestApp];
    const people = await Promise.all(Array.from({ length: 6 }, () => Person.known(one)));
    for (const person of people) {
      const answers = await Promise.all([askForExport(person), askForExport(person.at(two))]);
      expect(answers.map(({ status }) => status).sort()).toEqual([202, 429]);
    }
    for (const person of people) {
      const mail = await eventually(
        () => smtp.received.find(({ to }) => to.includes(person.email)),
        `the mail to ${person.email}`,
        EXPORTED_WITHIN_MS,
      );
      const [, path] = /(\/http\/export\/\w+)/.exec(mail.email.text ?? '')!;
      const [here, there] = await Promise.all([one, two].map((node) => download(node, path)));
      expect(here.equals(there)).toBe(true);
      expect(JSON.parse(unzipped(here)['profile.json'])).toMatchObject({ id: person.id });
    }
    const rows = await one.database.query('SELECT state, tries, downloads FROM exports ORDER BY id');
    expect(rows).toEqual(people.map(() => ({ state: 'ready', tries: 1, downloads: 2 })));
    expect(smtp.received).toHaveLength(people.length);
  });
});
