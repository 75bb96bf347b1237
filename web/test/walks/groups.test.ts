// Groups, open and private, and the bot.
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { CompletionsServer, Dictation } from '../../../test/support/completions-server.js';
import { composer, hasChromium, message, PHONE, say, texts, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('groups', () => {
  const walk = walkFor();

  async function makeGroup(page: Page, name: string, isPrivate: boolean): Promise<string> {
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByLabel('Name', { exact: true }).fill(name);
    if (isPrivate) await page.getByRole('radio', { name: /Private/ }).check();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /Make|Create/ })
      .click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    return new URL(page.url()).pathname;
  }

  it('is asked for access to a private group, and says yes, and no', async () => {
    const [ada, alan, grace] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Grace')];
    const page = await walk().enter(ada);
    const path = await makeGroup(page, 'Engines of the analytical kind', true);
    const [alans, graces] = [await walk().enter(alan, path), await walk().enter(grace, path)];
    for (const outside of [alans, graces]) {
      await outside.getByText('This group is private.').waitFor();
      // What one may not do is absent.
      expect(await composer(outside).count()).toBe(0);
      await outside.getByRole('button', { name: 'Ask to join' }).click();
      await outside.getByText('You have asked to join. The answer appears here.').waitFor();
    }
    await page.locator('a.row', { hasText: '2 people ask to join' }).waitFor();
    const requests = page.locator('.ask');
    await expect.poll(() => requests.count()).toBe(2);
    await requests.filter({ hasText: 'Alan' }).getByRole('button', { name: 'Accept' }).click();
    await requests.filter({ hasText: 'Grace' }).getByRole('button', { name: 'Decline' }).click();
    await graces.getByText('Not this time. You may ask again tomorrow.').waitFor();
    await composer(alans).waitFor();
    await say(alans, 'Thank you');
    await message(page, 'Thank you').waitFor();
    // Nobody asks any more: nothing says so in vain.
    await expect.poll(() => page.getByRole('region', { name: 'Requests' }).count()).toBe(0);
    // Whoever comes to the members by a link goes back to their group.
    const phone = await walk().enter(ada, `${path}/members`, PHONE);
    await phone.getByRole('button', { name: 'Back to the conversation' }).click();
    await expect.poll(() => new URL(phone.url()).pathname).toBe(path);
    // A long name leaves the lock its room.
    expect((await phone.locator('.talk-top h1 svg').boundingBox())!.width).toBe(15);
    await phone.context().close();
    // Reloading says the same.
    await graces.reload();
    await graces.getByText('Not this time. You may ask again tomorrow.').waitFor();
    await Promise.all([page, alans, graces].map((one) => one.context().close()));
  });

  it('is out of a group that the page before has shown, and finds there what is new', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada);
    const path = await makeGroup(page, 'Looms', false);
    const other = await walk().enter(alan, path);
    await other.getByRole('button', { name: 'Join' }).click();
    await other.getByText('2 here now').waitFor();
    // Whole pages, and no click that the first one could act upon.
    await page.goto(`${walk().url}/settings`);
    await other.getByText('1 here now').waitFor();
    await say(other, 'while Ada is elsewhere');
    await page.locator('a.row.unread', { hasText: 'Looms' }).locator('.count', { hasText: '1' }).waitFor();
    // A reload of the group itself stays in.
    await page.goto(walk().url + path);
    await other.getByText('2 here now').waitFor();
    await page.reload();
    await message(page, 'while Ada is elsewhere').waitFor();
    await page.waitForTimeout(7_000);
    expect(await other.getByText('2 here now').count()).toBe(1);
    await Promise.all([page, other].map((one) => one.context().close()));
  });

  it('lets everybody into an open group, hands it over, and removes', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada);
    const path = await makeGroup(page, 'Open house', false);
    const alans = await walk().enter(alan, path);
    await alans.getByRole('button', { name: 'Join' }).click();
    await composer(alans).waitFor();
    // Whoever is in has read it: no button and no mark says more.
    await say(page, 'Welcome');
    await message(alans, 'Welcome').waitFor();
    const panel = page.getByRole('complementary', { name: 'About this group' });
    await panel.getByText('Alan Lovelace').waitFor();
    expect(await alans.getByRole('button', { name: 'Rename the group' }).count()).toBe(0);
    await panel.getByRole('button', { name: 'More for Alan Lovelace' }).click();
    await page.getByRole('menuitem', { name: /Hand the group over/ }).click();
    await page.getByRole('button', { name: 'Hand over to Alan' }).click();
    await alans.getByRole('button', { name: 'Rename the group' }).waitFor();
    await alans.getByRole('button', { name: 'Rename the group' }).click();
    await alans.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Open house, renamed');
    await alans
      .getByRole('dialog')
      .getByRole('button', { name: /Rename|Save/ })
      .click();
    await page.getByRole('heading', { name: 'Open house, renamed', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Leave the group' }).first().click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Leave/ })
      .click();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/');
    await page.goto(walk().url + path);
    await page.getByText('This group is open.').waitFor();
    // Who is removed from an open group is not told that it is private.
    await page.getByRole('button', { name: 'Join' }).click();
    await composer(page).waitFor();
    const alansPanel = alans.getByRole('complementary', { name: 'About this group' });
    await alansPanel.getByRole('button', { name: 'More for Ada Lovelace' }).click();
    await alans.getByRole('menuitem', { name: /Remove/ }).click();
    await alans.getByRole('button', { name: 'Remove Ada' }).click();
    await page.getByRole('heading', { name: 'You were removed from this group.' }).waitFor();
    await page.getByRole('button', { name: 'Ask to join' }).click();
    await page.getByText('You have asked to join.').waitFor();
    expect(await page.getByText('private').count()).toBe(0);
    // The last one leaves: the group ends under the eyes of who looks at it.
    await alansPanel.getByRole('button', { name: 'Leave the group' }).click();
    await alans.getByText('You are its last member: the group and its messages are deleted.').waitFor();
    await alans
      .getByRole('dialog')
      .getByRole('button', { name: /^Leave/ })
      .click();
    await page.getByRole('heading', { name: 'This group no longer exists.' }).waitFor();
    await page.getByRole('link', { name: 'To your conversations' }).click();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/');
    await Promise.all([page, alans].map((one) => one.context().close()));
  });
});

describe.skipIf(!hasChromium)('the bot', () => {
  let completions: CompletionsServer;
  const dictation = new Dictation();
  const walk = walkFor(async () => {
    completions = await CompletionsServer.start();
    completions.behave(dictation.behaviour);
    return Walk.start('sqlite', { BOT_URL: completions.url, BOT_MODEL: 'test', BOT_API_KEY: 'secret' });
  });
  afterAll(() => completions?.close());

  it('answers as it forms, is shown after a reload, and stops where one says so', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/helper');
    await say(page, 'What is a loop?');
    await expect.poll(() => dictation.questions.length).toBe(1);
    dictation.say('A loop is **what** ');
    await message(page, 'A loop is what').locator('strong').waitFor();
    expect(await message(page, 'A loop is what').locator('.caret').count()).toBe(1);
    // The question stands at a third from the top, and stays there while the answer grows into the room below it.
    const question = message(page, 'What is a loop?');
    const placeOf = async (): Promise<number> => {
      const [log, row] = await Promise.all([page.getByRole('log').boundingBox(), question.boundingBox()]);
      return (row!.y - log!.y) / log!.height;
    };
    await expect.poll(placeOf).toBeGreaterThan(0.25);
    const before = await placeOf();
    expect(before).toBeLessThan(0.4);
    dictation.say('\n\none\n\ntwo\n\n');
    await message(page, 'two').waitFor();
    expect(Math.abs((await placeOf()) - before)).toBeLessThan(0.01);
    await page.reload();
    await message(page, 'A loop is what').waitFor();
    dictation.say('repeats');
    await message(page, 'repeats').waitFor();
    await page.evaluate(() => {
      Object.assign(window, { shown: '' });
      new MutationObserver(() => {
        (window as unknown as { shown: string }).shown += document.querySelector('.answering')?.textContent ?? '';
      }).observe(document.body, { childList: true, characterData: true, subtree: true });
    });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect.poll(() => page.evaluate(() => (window as unknown as { shown: string }).shown)).toContain('Stopping…');
    await expect.poll(() => page.locator('.caret').count()).toBe(0);
    await expect
      .poll(() => texts(page))
      .toEqual(['What is a loop?', expect.stringMatching(/^A loop is what[^]*two[^]*repeats$/)]);
    await say(page, 'And again?');
    await expect.poll(() => dictation.questions.length).toBe(2);
    dictation.hangUp();
    await page.getByText('The helper did not answer.').waitFor();
    expect(await page.locator('main > [role=alert]').textContent()).toBe('No answer came.');
    // It is said as long as it is so, and asking again leaves alone what one writes.
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.goBack();
    await page.getByText('The helper did not answer.').waitFor();
    await page.reload();
    await page.getByText('The helper did not answer.').waitFor();
    await composer(page).fill('half a thought');
    await page.getByRole('button', { name: 'Ask again' }).click();
    await expect.poll(() => page.getByText('The helper did not answer.').count()).toBe(0);
    expect(await composer(page).inputValue()).toBe('half a thought');
    await expect.poll(() => dictation.questions.length).toBe(3);
    dictation.say('Yes');
    dictation.end();
    await message(page, 'Yes').waitFor();
    await page.context().close();
  });

  it('lets five questions wait, and says of the next why it does', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/helper');
    for (let i = 1; i <= 7; i++) await say(page, `question ${i}`);
    await page.locator('.status', { hasText: 'Five questions wait already.' }).waitFor();
    await message(page, 'question 7').locator('.meta', { hasText: 'waiting to be sent' }).waitFor();
    await page.context().close();
  });
});
