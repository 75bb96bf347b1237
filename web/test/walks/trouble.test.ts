// The network is cut, the server dies and comes back, two tabs are open, a message is refused: nothing that was written is lost, and
// nothing is there twice.
import { describe, expect, it } from 'vitest';
import { call, type Person, send } from '../../../test/support/client.js';
import { composer, hasChromium, isSent, message, say, texts, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('trouble', () => {
  const walk = walkFor();

  /** The texts of somebody's one room. */
  async function storedFor(person: Person): Promise<string[]> {
    const there = person.at(walk().server);
    const [{ id }] = (await there.get('/http/chat_rooms')).body;
    return (await there.get(`/http/chat_rooms/${id}`)).body.map(({ message: text }: { message: string }) => text);
  }

  it('keeps what is written offline, in order, over a reload and with two tabs open, and sends it once', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByText('This is the beginning.').waitFor();
    // Once the service worker has the shell, the app opens without a network.
    await page.evaluate(() => navigator.serviceWorker.ready);
    const tab = await walk().page(page.context(), `/with/${alan.id}`);
    await tab.getByText('This is the beginning.').waitFor();
    await walk().kill();
    await page.evaluate(() => {
      let sentAt: number | undefined;
      new MutationObserver((_, observer) => {
        if (document.querySelector('.turn.mine')) sentAt ??= performance.now();
        if (!document.querySelector('.queued')) return;
        Object.assign(window, { shownAfter: performance.now() - sentAt! });
        observer.disconnect();
      }).observe(document.body, { attributes: true, childList: true, subtree: true });
    });
    await say(page, 'one');
    await say(page, 'two');
    await message(page, 'two').locator('.meta', { hasText: 'waiting to be sent' }).waitFor();
    await page.getByText('2 messages will be sent when you are back.').waitFor();
    // What is stored at once shows no mark of waiting first.
    const shownAfter = await page.evaluate(() => (window as unknown as { shownAfter: number }).shownAfter);
    expect(shownAfter).toBeGreaterThan(300);
    // The other tab shows them, too, and sends behind them.
    await message(tab, 'two').waitFor();
    await say(tab, 'three');
    await message(page, 'three').waitFor();
    await page.reload();
    await message(page, 'three').waitFor();
    expect(await texts(page)).toEqual(['one', 'two', 'three']);
    await walk().restart();
    await isSent(page, 'three');
    await expect.poll(() => page.locator('.meta', { hasText: 'waiting' }).count()).toBe(0);
    await expect.poll(() => page.getByText('when you are back').count()).toBe(0);
    expect(await texts(page)).toEqual(['one', 'two', 'three']);
    await expect.poll(() => texts(tab)).toEqual(['one', 'two', 'three']);
    expect(await storedFor(alan)).toEqual(['one', 'two', 'three']);
    await page.context().close();
  });

  it('says that the network is gone, keeps what is written then, and goes on when it is back', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await say(page, 'before');
    await isSent(page, 'before');
    await page.context().setOffline(true);
    await page.locator('.status', { hasText: 'Offline. You can go on writing.' }).waitFor();
    await say(page, 'on the train');
    await page.locator('.status', { hasText: '1 message will be sent when you are back.' }).waitFor();
    await page.context().setOffline(false);
    await isSent(page, 'on the train');
    await expect.poll(() => page.locator('.status', { hasText: 'Offline.' }).count()).toBe(0);
    expect(await storedFor(alan)).toEqual(['before', 'on the train']);
    await page.context().close();
  });

  it('goes on by itself after the server was killed, and fetches what was said meanwhile', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await say(page, 'before');
    await isSent(page, 'before');
    await walk().kill();
    await page.locator('.status', { hasText: 'Offline.' }).waitFor();
    await walk().restart();
    const there = alan.at(walk().server);
    await there.login(ada.password);
    const socket = await there.connect();
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'while you were away' });
    await message(page, 'while you were away').waitFor();
    await expect.poll(() => page.locator('.status', { hasText: 'Offline.' }).count()).toBe(0);
    expect(await texts(page)).toEqual(['before', 'while you were away']);
    there.hangUp();
    await page.context().close();
  });

  it('leaves a refused message in its place, with its reason and its text', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await say(page, 'Hello');
    await isSent(page, 'Hello');
    const token = await alan.at(walk().server).login(alan.password);
    const block = (method: string) =>
      fetch(`${walk().url}/http/users/${ada.id}/block`, { method, headers: { authentication: token } });
    expect((await block('PUT')).status).toBeLessThan(300);
    await say(page, 'refused');
    await say(page, 'refused, too');
    await page.getByText('Not sent: one of you has blocked the other.').first().waitFor();
    await expect.poll(() => page.locator('.msg.failed').count()).toBe(2);
    const alarm = page.locator('main > [role=alert]');
    await expect.poll(() => alarm.textContent()).toBe('Refused: one of you has blocked the other.');
    // A change that is refused goes on being one, also after a reload.
    await composer(page).press('ArrowUp');
    await say(page, 'Hello there');
    await page.getByText('Not changed: one of you has blocked the other.').waitFor();
    await page.reload();
    await page.getByText('Editing', { exact: true }).waitFor();
    await expect.poll(() => composer(page).inputValue()).toBe('Hello there');
    await page.locator('.msg.failed').first().waitFor();
    expect(await alarm.textContent()).toBe('');
    await composer(page).press('Escape');
    await expect.poll(() => page.getByText('Editing', { exact: true }).count()).toBe(0);
    // Edit puts the text back behind what one has begun, and ends a change; Delete takes it away.
    await message(page, 'refused, too').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => page.locator('.msg.failed').count()).toBe(1);
    // The one beside it has the focus now.
    await expect.poll(() => page.evaluate(() => document.activeElement!.matches('.msg.failed'))).toBe(true);
    await composer(page).press('ArrowUp');
    await page.getByText('Editing', { exact: true }).waitFor();
    await composer(page).press('Escape');
    await composer(page).fill('half a thought');
    await message(page, 'refused').getByRole('button', { name: 'Edit' }).click();
    expect(await composer(page).inputValue()).toBe('half a thought\n\nrefused');
    expect((await block('DELETE')).status).toBeLessThan(300);
    await composer(page).fill('');
    await composer(page).press('ArrowUp');
    await say(page, 'Hello again');
    await message(page, 'Hello again').locator('.edited').waitFor();
    await expect.poll(() => page.getByText('Editing', { exact: true }).count()).toBe(0);
    await composer(page).fill('refused');
    await composer(page).press('Enter');
    await isSent(page, 'refused');
    // What can never be sent stays where it was written.
    await say(page, '\u2060');
    await page.getByText('Not sent: there is nothing to see in it.').waitFor();
    expect(await composer(page).inputValue()).toBe('\u2060');
    // Too long: it is counted, and cannot be sent.
    await composer(page).fill('x'.repeat(4_212));
    await page.getByText('212 too many').waitFor();
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await page.context().close();
  });

  it('keeps what was written to a group that one is taken out of, to be copied', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const asAlan = (method: string, path: string, body?: object) =>
      call(walk().server, method, `/http/chat_groups${path}`, { token, body });
    const token = await alan.at(walk().server).login(alan.password);
    const { id } = (await asAlan('POST', '', { chat_group_name: 'Engines', is_private: true })).body as { id: number };
    expect((await asAlan('POST', `/${id}/members`, { user_id: ada.id })).status).toBeLessThan(300);
    const page = await walk().enter(ada, `/group/${id}`);
    await composer(page).fill('half a thought');
    expect((await asAlan('DELETE', `/${id}/members/${ada.id}`)).status).toBeLessThan(300);
    await page.getByText('This group is private.').waitFor();
    const unsent = page.getByRole('region', { name: 'Not sent' });
    await unsent.getByText('half a thought').waitFor();
    await unsent.getByRole('button', { name: 'Copy' }).click();
    await unsent.getByRole('button', { name: 'Copied' }).waitFor();
    await unsent.getByRole('button', { name: 'Delete' }).click();
    await unsent.waitFor({ state: 'detached' });
    await page.context().close();
  });
});

describe.skipIf(!hasChromium)('who writes too much', () => {
  const walk = walkFor(() => Walk.start('sqlite', { RATE_LIMITS: 'on', MESSAGES_PER_DAY: '2' }));

  it('is told when it goes on, and hears the time only once', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    for (const text of ['one', 'two', 'three']) await say(page, text);
    const status = page.locator('.status');
    await status.getByText(/^in 24 hours\.$|^in 23 hours\.$/).waitFor();
    expect(await status.getByRole('status').textContent()).toBe('Not so fast: goes out by itself');
    expect(await texts(page)).toEqual(['one', 'two', 'three']);
    await page.context().close();
  });
});
