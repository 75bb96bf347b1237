// The blocks of docs/operations.md that begin with `$ parley` show what these commands print.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { Database } from '../../src/database/data-source.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { temporaryFolder, TestApp } from '../support/app.js';
import { parleyIn } from '../support/cli.js';
import { call, Person, sendTo } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { mountSmallDisk, unmount } from '../support/small-disk.js';

const DOC = fileURLToPath(new URL('../../docs/operations.md', import.meta.url));
const BLOCK = /^```console\n\$ (DATA_DIR=(\S+) )?parley (.*)\n([^]*?)```$/gm;

/** The heading under which a place of the document stands. */
const headingAt = (doc: string, index: number): string =>
  doc
    .slice(0, index)
    .match(/^#+ .*$/gm)
    ?.at(-1) ?? '';
/** Migrations that the program of the section about upgrades has still to run. */
const PENDING = 2;

const folder = temporaryFolder();
/** By heading: the folder of data that its blocks are about, where it is another one. Undefined: this machine cannot show it. */
const elsewhere = new Map<string, string | undefined>();
let app: TestApp;
let mails: MailServer;
let env: Record<string, string>;
/** A server makes its files for their owner alone. */
const umask = process.umask(0o077);

beforeAll(async () => {
  mails = await new MailServer(await freePort(), { name: 'mail.example.com', disabledCommands: ['STARTTLS'] }).start();
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const port = String(await freePort());
  env = {
    DATA_DIR: dataDir,
    PORT: port,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    WEB_CLIENT: 'off',
    APP_URL: 'https://chat.example.com',
    SMTP_URL: `smtp://127.0.0.1:${mails.port}`,
    MAIL_FROM: 'Parley <parley@example.com>',
  };
  app = await TestApp.startIn(env);
  const [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
  const { chat_room_id: room } = await sendTo(await ada.connect(), bob.id, 'Hello Bob');
  const { seq } = await sendTo(await bob.connect(), ada.id, 'I know where you live.');
  for (const person of [ada, bob]) {
    const email = `${person.firstName.toLowerCase()}@example.com`;
    await app.database.query('UPDATE users SET email = ? WHERE id = ?', [email, person.id]);
    person.hangUp();
  }
  await call(app, 'POST', '/http/reports', { token: ada.token, body: { chat_room_id: room, seq, reason: 'abuse' } });
  await parleyIn(folder, env, 'backup', 'start.tar.gz');
  elsewhere.set('## Upgrading', await olderData());
  elsewhere.set('### The disk is full', await fullData());
});

/** The same data in another folder. */
async function copied(to: string): Promise<string> {
  expect(await parleyIn(folder, { ...env, DATA_DIR: to }, 'restore', 'start.tar.gz')).toMatchObject({ code: 0 });
  return to;
}

/** As a program of before has left it. */
async function olderData(): Promise<string> {
  const dataDir = await copied(join(folder, 'older'));
  const config = loadConfig({ ...env, DATA_DIR: dataDir });
  const database = await Database.open(config, await dataSourceOptions(config));
  for (let i = 0; i < PENDING; i++) await database.undoLastMigration();
  await database.destroy();
  return dataDir;
}

/** On a disk of its own, with hardly any room. */
async function fullData(): Promise<string | undefined> {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (!mountSmallDisk(disk, 64, 'WHAT docs/operations.md SHOWS OF A FULL DISK')) return undefined;
  const dataDir = await copied(join(disk, 'data'));
  writeFileSync(join(disk, 'old-backups'), Buffer.alloc(60 * 1024 * 1024));
  return dataDir;
}

afterAll(async () => {
  process.umask(umask);
  await app?.app.close();
  await mails?.stop();
  const full = elsewhere.get('### The disk is full');
  if (full) unmount(dirname(full));
  rmSync(folder, { recursive: true, force: true });
});

/** As on a machine that a reader may have. */
const plain = (text: string, dataDir: string): string =>
  text
    .replaceAll(dataDir, '/var/lib/parley')
    .replaceAll(`${folder}/srv`, '/srv')
    .replaceAll(folder, '/srv/backups')
    .replace(/(Nice to meet you,) \S+/g, '$1 localhost')
    .replaceAll(`127.0.0.1:${mails.port}`, 'mail.example.com:587')
    .replaceAll(`127.0.0.1:${env['PORT']}`, 'localhost:3000');

/** Without what differs from run to run, or from version to version: numbers, the names of migrations, what ids are random. */
const masked = (text: string): string =>
  text
    .replace(/<[\w-]+@/g, '<…@')
    .replace(/invite=[\w-]+/g, 'invite=…')
    .replace(/\b[0-9a-f]{8,}\b/g, '#')
    .replace(/\d+([.,:]\d+)*/g, '#')
    .replace(/\b[A-Z][A-Za-z]+#/g, 'Migration#')
    .replace(/\b(B|[KMGT]iB)\b/g, 'B')
    .replace(/ +/g, ' ');

it('shows what the commands print', async () => {
  const doc = readFileSync(DOC, 'utf8');
  let fresh = doc;
  let blocks = 0;
  for (const { 0: block, 1: set = '', 2: given, 3: words, 4: shown, index } of doc.matchAll(BLOCK)) {
    blocks++;
    const heading = headingAt(doc, index);
    if (elsewhere.has(heading) && !elsewhere.get(heading)) continue;
    const dataDir = elsewhere.get(heading) ?? env['DATA_DIR'];
    const { stdout, stderr } = await parleyIn(
      folder,
      { ...env, DATA_DIR: given ? folder + given : dataDir },
      ...words.split(' '),
    );
    const printed = plain(stderr + stdout, dataDir);
    if (masked(printed) !== masked(shown))
      fresh = fresh.replace(block, () => `\`\`\`console\n$ ${set}parley ${words}\n${printed}\`\`\``);
  }
  expect(blocks).toBeGreaterThan(2);
  // `npx vitest run test/e2e/cli-docs -u` writes them anew.
  await expect(fresh).toMatchFileSnapshot(DOC);
});
