// Messages that are reported, groups that are frozen or deleted, and people who are suspended: what one sees of it in the web client.
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Person, send } from '../../../test/support/client.js';
import { check, checkHere } from './axe.js';
import { asked, OPERATED, operator } from './operator.js';
import { composer, hasChromium, message, PHONE, say, Walk, walkFor } from './walk.js';

const SUSPENDED = 'This account is suspended. Ask those who run this server.';
const FROZEN = 'Those who run this server have frozen this group. It can be read, and not written to.';

describe.skipIf(!hasChromium)('those who run the server', () => {
  const walk = walkFor(() => Walk.start('sqlite', OPERATED));
  let boss: Person;
  beforeAll(async () => {
    boss = await operator(walk().server);
  });
  const ask = (who: Person, method: string, path: string, body?: unknown) =>
    asked(walk().server, who, method, path, body);

  async function makeGroup(owner: Person, name: string, ...members: Person[]): Promise<number> {
    const { body } = await ask(owner, 'POST', '/http/chat_groups', { chat_group_name: name });
    for (const { id } of members) await ask(owner, 'POST', `/http/chat_groups/${body.id}/members`, { user_id: id });
    return body.id;
  }

  /** By the keyboard alone. */
  async function openMenu(page: Page, text: string): Promise<void> {
    await message(page, text).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
  }

  const choices = async (page: Page): Promise<string> =>
    (await page.getByRole('menu').locator('button').allInnerTexts()).join(' ');
  /** What is read out of a dialog behind its name. */
  const described = (page: Page): Promise<string | null> =>
    page.getByRole('dialog').evaluate((dialog) => {
      const id = dialog.getAttribute('aria-describedby');
      return id === null ? null : document.getElementById(id)!.textContent;
    });
  const closeAll = (...pages: Page[]) => Promise.all(pages.map((page) => page.context().close()));

  it('get a message that somebody reports, with the four before it and a note', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    const room = { chat_type: 'room', other_user_id: ada.id };
    for (let i = 1; i <= 6; i++) await send(socket, { ...room, message: `message ${i}` });
    alan.hangUp();
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await say(page, 'one of hers');
    await openMenu(page, 'one of hers');
    // What one may not do is absent.
    expect(await choices(page)).not.toContain('Report');
    await page.keyboard.press('Escape');

    await openMenu(page, 'message 6');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Report this message' });
    await dialog.getByText('a copy of this message and of the four before it').waitFor();
    await dialog.getByText('Alan is not told.').waitFor();
    // Read out when it opens: what becomes of it is known before it is done.
    expect(await described(page)).toContain('with your name');
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('spam');
    await dialog.getByRole('button', { name: 'Report' }).click();
    await dialog.getByText('Choose what is wrong with it.').waitFor();
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('spam');
    await check(page, 'the report of a message');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.insertText('😀'.repeat(1_001));
    await dialog.getByText('1 too many').waitFor();
    expect(await dialog.getByRole('button', { name: 'Report' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Note, if you like').fill('He does not stop.');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Those who run this server have it now').waitFor();
    await check(page, 'the thanks for a report');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('message 6');

    const { body } = await ask(boss, 'GET', '/http/admin/reports');
    expect(body).toMatchObject([{ reason: 'abuse', chat_type: 'room', seq: 6, reported_id: alan.id }]);
    const { body: report } = await ask(boss, 'GET', `/http/admin/reports/${body[0].id}`);
    expect(report.note).toBe('He does not stop.');
    expect(JSON.stringify(report)).toContain('message 2');
    expect(JSON.stringify(report)).not.toContain('message 1"');
    await closeAll(page);
  });

  it('cannot be told of everything: each failure is said in words, and what was typed stays', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    const said = await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'rude' });
    const page = await walk().enter(ada, `/with/${alan.id}`, PHONE);
    await message(page, 'rude').dispatchEvent('contextmenu');
    await page.getByRole('menuitem', { name: 'Report…' }).tap();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('radio', { name: 'Something else' }).check();
    await dialog.getByLabel('Note, if you like').fill('kept');
    const report = () => dialog.getByRole('button', { name: 'Report' }).tap();
    await page.context().setOffline(true);
    await report();
    await dialog.getByText('You are offline.').waitFor();
    await page.context().setOffline(false);
    const refused = (body: object) => ({ status: 429, contentType: 'application/json', body: JSON.stringify(body) });
    await page.route('**/http/reports', (route) =>
      route.fulfill(refused({ code: 'rate_limited', message: 'Too many reports.', retry_after: 7_200 })),
    );
    await report();
    await dialog.getByText('You have reported as much as one can in a day. Try again in 2 hours.').waitFor();
    await page.unroute('**/http/reports');
    await ask(alan, 'DELETE', `/http/chat_rooms/${said.chat_room_id}/messages/${said.seq}`);
    await report();
    await dialog.getByText('The message has been deleted meanwhile: nobody can read it any more.').waitFor();
    expect(await dialog.getByLabel('Note, if you like').inputValue()).toBe('kept');
    await checkHere(page, 'a report that is refused');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    alan.hangUp();
    await closeAll(page);
  });

  it('freeze a group: it is read, and nothing in it can be changed, until it goes on', async () => {
    const [ada, alan, eve] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Eve')];
    const group = await makeGroup(ada, 'Quarrels', alan);
    const path = `/group/${group}`;
    const [page, alans] = [await walk().enter(ada, path), await walk().enter(alan, path)];
    await say(page, 'hers');
    await say(alans, 'his');
    await message(page, 'his').waitFor();
    await composer(alans).fill('begun');
    await page.getByRole('button', { name: 'Add people' }).first().waitFor();
    const freeze = (is_frozen: boolean) => ask(boss, 'PATCH', `/http/admin/groups/${group}`, { is_frozen });
    await freeze(true);
    for (const one of [page, alans]) {
      await one.getByText(FROZEN).waitFor();
      expect(await composer(one).count()).toBe(0);
    }
    // What was begun is not lost.
    await alans.getByRole('region', { name: 'Not sent' }).getByText('begun').waitFor();
    for (const [one, text] of [
      [page, 'his'],
      [page, 'hers'],
      [alans, 'his'],
    ] as const) {
      await openMenu(one, text);
      const shown = await choices(one);
      expect(shown).toContain('Copy text');
      expect(shown).not.toMatch(/Reply|Edit|Delete|More emoji|Thumbs/);
      expect(await one.getByRole('menuitemcheckbox').count()).toBe(0);
      await one.keyboard.press('Escape');
    }
    const panel = page.getByRole('complementary', { name: 'About this group' });
    await panel.getByText('Alan Lovelace').waitFor();
    expect(await panel.getByRole('button', { name: /Add|Rename|Delete|More for/ }).count()).toBe(0);
    expect(await panel.getByRole('button', { name: 'Leave the group' }).count()).toBe(1);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    expect(await choices(page)).not.toContain('Delete');
    await page.keyboard.press('Escape');
    await check(page, 'a group that is frozen');
    await alans.reload();
    await alans.getByText(FROZEN).waitFor();
    // Nobody new comes in.
    const eves = await walk().enter(eve, path);
    await eves.getByRole('button', { name: 'Join' }).click();
    await eves.getByText('This group is frozen: it can only be read.').waitFor();
    await freeze(false);
    await composer(alans).waitFor();
    expect(await composer(alans).inputValue()).toBe('begun');
    await composer(alans).press('Enter');
    await message(page, 'begun').waitFor();
    await closeAll(page, alans, eves);
  });

  it('suspend somebody: they are out at once, are told why, and leave nothing to read on the device', async () => {
    const [ada, eve] = [await walk().join('Ada'), await walk().join('Eve')];
    const socket = await ada.connect();
    await send(socket, { chat_type: 'room', other_user_id: eve.id, message: 'between the two of us' });
    ada.hangUp();
    const page = await walk().enter(eve, `/with/${ada.id}`);
    await message(page, 'between the two of us').waitFor();
    const kept = () =>
      page.evaluate(async () => {
        const texts: string[] = [];
        for (const { name } of await indexedDB.databases()) {
          const database = await new Promise<IDBDatabase>((resolve, reject) => {
            const opening = indexedDB.open(name!);
            opening.addEventListener('success', () => resolve(opening.result));
            opening.addEventListener('error', () => reject(new Error(`${name} does not open`)));
          });
          for (const store of database.objectStoreNames)
            texts.push(
              await new Promise<string>((resolve) => {
                const all = database.transaction(store).objectStore(store).getAll();
                all.addEventListener('success', () => resolve(JSON.stringify(all.result)));
              }),
            );
          database.close();
        }
        return texts.join() + JSON.stringify({ ...localStorage });
      });
    await expect.poll(kept).toContain('between the two of us');
    const suspend = (is_suspended: boolean) => ask(boss, 'PATCH', `/http/admin/users/${eve.id}`, { is_suspended });
    await suspend(true);
    await page.getByRole('alert').getByText(SUSPENDED).waitFor();
    expect(new URL(page.url()).pathname).toBe('/login');
    expect(await page.getByLabel('E-mail address').inputValue()).toBe(eve.email);
    expect(await kept()).not.toContain('between the two of us');
    await check(page, 'the login of somebody who was suspended');
    const login = async (): Promise<void> => {
      await page.getByLabel('Password', { exact: true }).fill(eve.password);
      await page.getByRole('button', { name: 'Log in' }).click();
    };
    await login();
    // In red, and no more above the form.
    await page.locator('.err', { hasText: SUSPENDED }).waitFor();
    expect(await page.getByText(SUSPENDED).count()).toBe(1);
    // A stranger learns nothing of it, and neither does a page that was closed meanwhile.
    await page.reload();
    expect(await page.getByText(SUSPENDED).count()).toBe(0);
    await suspend(false);
    await login();
    await message(page, 'between the two of us').waitFor();
    await closeAll(page);
  });

  it('are not needed to delete a group: its owner does, and all who look at it are told', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const group = await makeGroup(ada, 'Drafts', alan);
    const path = `/group/${group}`;
    const [page, alans] = [await walk().enter(ada, path, PHONE), await walk().enter(alan, path)];
    await composer(alans).fill('an unsent line');
    const more = (one: Page) => one.getByRole('button', { name: 'More', exact: true }).click();
    await more(alans);
    expect(await choices(alans)).not.toContain('Delete');
    await alans.keyboard.press('Escape');
    await more(page);
    await page.getByRole('menuitem', { name: 'Delete the group…' }).tap();
    const dialog = page.getByRole('dialog', { name: 'Delete Drafts?' });
    await dialog.getByText('deleted for everybody').waitFor();
    expect(await described(page)).toContain('This cannot be undone.');
    await checkHere(page, 'the deletion of a group');
    await dialog.getByRole('button', { name: 'Cancel' }).tap();
    expect(await composer(alans).count()).toBe(1);
    await more(page);
    await page.getByRole('menuitem', { name: 'Delete the group…' }).tap();
    await dialog.getByRole('button', { name: 'Delete Drafts' }).tap();
    await alans.getByRole('heading', { name: 'This group no longer exists.' }).waitFor();
    expect(await alans.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await alans.getByText('an unsent line').waitFor();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/');
    for (const one of [page, alans]) expect(await one.locator('a.row', { hasText: 'Drafts' }).count()).toBe(0);
    await closeAll(page, alans);
  });

  it('may have an older server: there is no button for what it does not know', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const group = await makeGroup(ada, 'Old times', alan);
    const socket = await alan.connect();
    await send(socket, { chat_type: 'group', chat_group_id: group, message: 'long ago' });
    alan.hangUp();
    const page = await walk().enter(ada);
    await page.route('**/http/server', async (route) => {
      const response = await route.fetch();
      const info = (await response.json()) as { features: string[] };
      const features = info.features.filter((word) => !['reports', 'group_delete'].includes(word));
      await route.fulfill({ response, json: { ...info, features } });
    });
    await page.goto(`${walk().url}/group/${group}`);
    await openMenu(page, 'long ago');
    expect(await choices(page)).toContain('Delete for everybody');
    expect(await choices(page)).not.toContain('Report');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'More', exact: true }).click();
    expect(await choices(page)).toContain('Leave the group');
    expect(await choices(page)).not.toContain('Delete');
    await closeAll(page);
  });
});
