import { expect } from 'vitest';
import { ExportMaker } from '../../src/auth/export/export-maker.js';
import type { TestApp } from './app.js';
import { type Answer, call, eventually, linkPath, mails, Person, type ShownMail, type Target } from './client.js';
import { KNOWN_PASSWORD } from './staff.js';

/** Longer than the job takes on a machine that is busy. */
export const EXPORTED_WITHIN_MS = 60_000;

export const askForExport = ({ target, token }: Person, password = KNOWN_PASSWORD): Promise<Answer> =>
  call(target, 'POST', '/http/users/profile/export', { token, body: { password } });

/** The bytes that a link leads to. */
export async function download(target: Target, path: string): Promise<Buffer> {
  const answer = await fetch(target.url + path);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

/** The rows of somebody's exports, the oldest first. */
export const exportsOf = (app: TestApp, { id }: Person): Promise<any[]> =>
  app.database.query('SELECT * FROM exports WHERE user_id = ? ORDER BY id', [id]);

/** How many parts of an export are stored. */
export const partsOf = async (app: TestApp, id: number): Promise<number> =>
  (await app.database.query('SELECT part FROM export_parts WHERE export_id = ?', [id])).length;

/** Waits until none is, and does not wait for the next look of the job. */
export const emptied = (app: TestApp, id: number) =>
  swept(app, async () => (await partsOf(app, id)) === 0, `the end of export ${id}`);

/** Has the job look again and again until something is so. */
export const swept = (app: TestApp, isSo: () => Promise<boolean>, what: string) =>
  eventually(
    async () => {
      app.get(ExportMaker).wake();
      return (await isSo()) || undefined;
    },
    what,
    EXPORTED_WITHIN_MS,
  );

export const mailsTo = async (target: Target, { email }: Person): Promise<ShownMail[]> =>
  (await mails(target)).filter(({ to }) => to === email);

/** The newest mail to somebody, once there are exactly so many. */
export const exportMailed = (target: Target, person: Person, count = 1): Promise<ShownMail> =>
  eventually(
    async () => {
      const mine = await mailsTo(target, person);
      return mine.length === count ? mine[0] : undefined;
    },
    `mail ${count} to ${person.email}`,
    EXPORTED_WITHIN_MS,
  );

/** Asks, and waits for the mail. @returns the path of the link */
export async function exported(app: TestApp, person: Person): Promise<string> {
  const before = (await mailsTo(app, person)).length;
  expect((await askForExport(person)).status).toBe(202);
  return linkPath(await exportMailed(app, person, before + 1));
}
