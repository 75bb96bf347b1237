// An export: asked for in the settings, and downloaded by the link in the mail.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { linkPath } from '../../../test/support/client.js';
import { exportMailed } from '../../../test/support/exports.js';
import { jsonLines, unzipped } from '../../../test/support/zip.js';
import { checkHere } from './axe.js';
import { hasChromium, isSent, PHONE, say, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('an export of one’s own data', () => {
  const walk = walkFor(() => Walk.start('sqlite', { RATE_LIMITS: 'on' }));

  it('comes by mail, once a day, to whoever knows the password', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await say(page, 'The engine weaves algebraical patterns');
    await isSent(page, 'The engine weaves algebraical patterns');
    await page.goto(`${walk().url}/settings`);
    const open = page.getByRole('button', { name: 'Export your data' });
    const password = page.getByLabel('Password', { exact: true });
    await open.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => password.evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByText('Enter your password.').waitFor();
    await password.fill('not it');
    await page.keyboard.press('Enter');
    await page.getByText('This is not your password.').waitFor();
    await checkHere(page, 'the form of an export');
    await page.setViewportSize(PHONE.viewport!);
    await checkHere(page, 'the form of an export');
    await password.fill(ada.password);
    await page.keyboard.press('Enter');
    await page.getByText(`a mail with a link to it goes to ${ada.email}`).waitFor();
    expect(await open.evaluate((button) => button === document.activeElement)).toBe(true);

    // The first one brought the account.
    const mail = await exportMailed(walk().server, ada, 2);
    const other = await walk().context({ acceptDownloads: true });
    const reader = await other.newPage();
    const [download] = await Promise.all([
      reader.waitForEvent('download'),
      reader.goto(walk().url + linkPath(mail)).catch(() => {}),
    ]);
    expect(download.suggestedFilename()).toBe('parley-export.zip');
    const files = unzipped(await readFile(await download.path()));
    expect(JSON.parse(files['profile.json'])).toMatchObject({ id: ada.id, email: ada.email });
    expect(jsonLines(files['messages.jsonl'])).toMatchObject([{ text: 'The engine weaves algebraical patterns' }]);
    await other.close();

    await open.click();
    await password.fill(ada.password);
    await page.keyboard.press('Enter');
    await page.getByText('Not so fast: try again in 24 hours.').waitFor();
    await page.context().close();
  });
});
