// Every screen, in both schemes and three widths: no violation that axe knows, nothing that runs out of the page, and texts that are
// meant to break it.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Person } from '../../../test/support/client.js';
import { call, send } from '../../../test/support/client.js';
import { check, checkHere, fits, WIDTHS } from './axe.js';
import { composer, hasChromium, OUTSIDE, message, say, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('every screen', () => {
  const walk = walkFor();
  let ada: Person;
  let alan: Person;
  let group: number;
  const odd = [
    '<script>alert(1)</script> <img src=x onerror=alert(1)>',
    '😀'.repeat(2_000),
    'x'.repeat(300),
    'مرحبا بالعالم، هذه رسالة طويلة بما يكفي لتملأ أكثر من سطر واحد في عمود ضيق',
    '> a quote\n\n1. one\n2. two\n\n`code` and **strong**\n\n```js\nconst a_very_long_line = "that does not fit into a narrow column of text at all, and scrolls";\n```',
    'https://example.com/a/very/long/address/that/goes/on/and/on/and/on?with=many&parameters=and-more-of-them',
  ];
  beforeAll(async () => {
    [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    for (const text of odd) await send(socket, { chat_type: 'room', other_user_id: ada.id, message: text });
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'to the quote', reply_to: 5 });
    const { chat_room_id: room } = await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'the end' });
    for (const emoji of ['👍', '🎉'])
      await call(walk().server, 'PUT', `/http/chat_rooms/${room}/messages/8/reactions`, {
        token: alan.token,
        body: { emoji, is_on: true },
      });
    const { body } = await call(walk().server, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Analytical Engines', is_private: true },
    });
    group = body.id;
    await call(walk().server, 'POST', `/http/chat_groups/access_requests/${group}`, { token: alan.token, body: {} });
    alan.hangUp();
  });

  it('of those who are outside', async () => {
    const page = await walk().page(await walk().context());
    for (const path of OUTSIDE) {
      await page.goto(walk().url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await check(page, path);
    }
    await page.context().close();
  });

  it('of those who are in', async () => {
    const page = await walk().enter(ada);
    await page.locator('a.row', { hasText: 'Alan Lovelace' }).waitFor();
    await check(page, 'the list');
    for (const [path, ready] of [
      [`/with/${alan.id}`, '.msg'],
      [`/group/${group}`, '.start'],
      [`/group/${group}/members`, '.side'],
      ['/helper', '.start'],
      ['/settings', 'h1'],
      ['/nowhere', 'h1'],
    ] as const) {
      await page.goto(walk().url + path);
      await page.locator(ready).first().waitFor();
      await check(page, path);
    }
    await page.context().close();
  });

  it('of replies and reactions', async () => {
    const page = await walk().enter(ada, `/with/${alan.id}`);
    const newest = message(page, 'the end');
    await newest.locator('.reaction').first().waitFor();
    for (const [index, name] of ['More emoji', 'Reply', 'Who has reacted'].entries()) {
      await newest.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menu').waitFor();
      if (index === 0) await check(page, 'the menu of a message');
      await page.getByRole('menu').getByText(name).or(page.getByRole('menuitemcheckbox', { name })).click();
      if (name === 'More emoji') await page.locator('[data-sign]').first().waitFor();
      await check(page, name);
      await page.keyboard.press('Escape');
    }
    await page.context().close();
  });

  it('of what lies above the rest, and of those who are new', async () => {
    const page = await walk().enter(ada);
    await page.locator('a.row', { hasText: 'Alan Lovelace' }).waitFor();
    await page.keyboard.press('Control+K');
    await page.getByRole('combobox').fill('A');
    await page.getByRole('option').first().waitFor();
    await check(page, 'the finder');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog').waitFor();
    await check(page, 'a new group');
    await page.context().close();
    const outside = await walk().enter(await walk().join('Grace'), `/group/${group}`);
    await outside.getByText('This group is private.').waitFor();
    await check(outside, 'a private group from outside');
    await outside.goto(walk().url);
    await outside.getByText('No messages yet.').waitFor();
    await check(outside, 'no conversations');
    await outside.context().close();
  });

  it('of conversations that are kept apart, and of mentions', async () => {
    const [grace, kim] = [await walk().join('Grace'), await walk().join('Kim')];
    const socket = await kim.connect();
    const tell = (text: string, to: object, mentions: object) => send(socket, { message: text, ...to, mentions });
    const room = { chat_type: 'room', other_user_id: grace.id };
    await tell('@Grace Lovelace, tea?', room, { user_ids: [grace.id] });
    const groups: number[] = [];
    for (const name of ['Favourite', 'Muted', 'Archived']) {
      const { body } = await call(walk().server, 'POST', '/http/chat_groups', {
        token: kim.token,
        body: { chat_group_name: name, is_private: true },
      });
      groups.push(body.id);
      await call(walk().server, 'POST', `/http/chat_groups/${body.id}/members`, {
        token: kim.token,
        body: { user_id: grace.id },
      });
      await tell(`@everyone in ${name}`, { chat_type: 'group', chat_group_id: body.id }, { everyone: true });
    }
    kim.hangUp();
    const settings = [{ is_favourite: true }, { notify: 'none' }, { is_archived: true }];
    for (const [index, change] of settings.entries())
      await call(walk().server, 'PUT', '/http/chat_settings', {
        token: grace.token,
        body: { chat_group_id: groups[index], muted_until: '9999-01-01T00:00:00Z', ...change },
      });
    const page = await walk().enter(grace);
    await page.locator('a.row', { hasText: 'Muted' }).locator('.at.quiet').waitFor();
    await check(page, 'the list with all of its parts');
    for (const width of [390, 800]) {
      await page.setViewportSize({ width, height: 800 });
      await page.locator('.fold').click();
      await page.locator('a.row', { hasText: 'Archived' }).waitFor();
      await checkHere(page, 'the archive');
      await page.locator('.fold').click();
    }
    await page.goto(`${walk().url}/mentions`);
    await expect.poll(() => page.locator('.mention-row').count()).toBe(4);
    await check(page, 'the mentions');
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${walk().url}/group/${groups[0]}`);
      await page.locator('.msg').first().waitFor();
      await page.getByRole('button', { name: 'More', exact: true }).click();
      await page.getByRole('menuitemradio').first().waitFor();
      await checkHere(page, 'the menu of a conversation');
      await page.keyboard.press('Escape');
      await composer(page).fill('@');
      await page.getByRole('listbox').waitFor();
      await checkHere(page, 'names that are offered');
      await composer(page).fill('');
    }
    await page.goto(`${walk().url}/with/${kim.id}`);
    await page.locator('.msg .mention.of-me').waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Mute…' }).click();
    await page.getByRole('menu', { name: 'Mute' }).waitFor();
    await checkHere(page, 'for how long it is muted');
    await page.context().close();
    const nobody = await walk().enter(await walk().join('Hedy'), '/mentions');
    await nobody.getByText('Nobody has mentioned you yet.').waitFor();
    await check(nobody, 'no mentions');
    await nobody.context().close();
  });

  it('shows any text as text, within its column', async () => {
    const page = await walk().enter(ada, `/with/${alan.id}`);
    let alerted = false;
    page.on('dialog', () => (alerted = true));
    await message(page, '<script>alert(1)</script>').waitFor();
    expect(await page.locator('.log script, .log img').count()).toBe(0);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      expect(await fits(page)).toBe(true);
      const runs = await page.locator('.msg .body').evaluateAll((bodies) => {
        const edge = document.querySelector('.log')!.getBoundingClientRect().right;
        return bodies.filter((body) => body.getBoundingClientRect().right > edge + 1).length;
      });
      expect(runs).toBe(0);
    }
    expect(alerted).toBe(false);
    const { headers } = await call(walk().server, 'GET', '/', { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy');
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain('unsafe');
    await say(page, 'and mine');
    await message(page, 'and mine').waitFor();
    expect(await composer(page).inputValue()).toBe('');
    await page.context().close();
  });
});
