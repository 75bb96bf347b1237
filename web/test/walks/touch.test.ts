// With fingers, and in browsers that do as Safari does: what is held, what lies below, where the focus goes.
import type { BrowserContext, CDPSession, Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, send } from '../../../test/support/client.js';
import {
  composer,
  firstInView,
  fromEnd,
  hasChromium,
  isSent,
  OUTSIDE,
  message,
  PHONE,
  say,
  stopTime,
  walkFor,
} from './walk.js';

/** Where the middle of this is on the screen. */
async function middle(of: Locator): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = (await of.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

/** A finger on the screen, as the browser itself has it. */
class Finger {
  private constructor(private readonly cdp: CDPSession) {}

  static async on(page: Page): Promise<Finger> {
    return new Finger(await page.context().newCDPSession(page));
  }

  down(at: { x: number; y: number }): Promise<unknown> {
    return this.cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
  }

  move(to: { x: number; y: number }): Promise<unknown> {
    return this.cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [to] });
  }

  up(): Promise<unknown> {
    return this.cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }
}

/** Safari gives no focus to a button that is clicked, and on iOS no `contextmenu` to what is held. */
const asSafari = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(() => {
    addEventListener('contextmenu', (event) => event.stopImmediatePropagation(), true);
    addEventListener(
      'mousedown',
      (event) => {
        if (!(event.target as Element).closest('button')) return;
        event.preventDefault();
        (document.activeElement as HTMLElement | null)?.blur();
      },
      true,
    );
  });

const TABLET = { width: 820, height: 1180 };

/** The same on a phone and on a tablet. */
async function allLarge(page: Page, name: string): Promise<void> {
  for (const size of [TABLET, PHONE.viewport!]) {
    await page.setViewportSize(size);
    expect(await tooSmall(page), `${name}, ${size.width} px`).toEqual([]);
  }
}

/** What one may press, and a finger misses: 21 pixels beside its middle, something else is hit. Links within sentences may be low. */
const tooSmall = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const within = document.querySelector('dialog[open], .menu, .emoji') ?? document;
    const all = [...within.querySelectorAll(':is(a, button, input, textarea, [role="option"]):not(.body p a, .sr)')];
    const shown = all.filter((one) => {
      const { width, height } = one.getBoundingClientRect();
      return one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && width > 1 && height > 1;
    });
    return shown.flatMap((one) => {
      one.scrollIntoView({ block: 'center', behavior: 'instant' });
      const { x, y, width, height } = (one.closest('label') ?? one).getBoundingClientRect();
      const isHit = ([dx, dy]: readonly number[]): boolean => {
        const hit = document.elementFromPoint(x + width / 2 + dx, y + height / 2 + dy);
        return hit !== null && (one.contains(hit) || one.closest('label, .in')?.contains(hit) === true);
      };
      const around = [
        [-21, 0],
        [21, 0],
        [0, -21],
        [0, 21],
      ];
      return around.every(isHit) ? [] : [`${one.outerHTML.slice(0, 120)} ${width} x ${height}`];
    });
  });

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const one = document.activeElement!;
    return `${one.tagName.toLowerCase()} ${one.getAttribute('aria-label') ?? one.textContent ?? ''}`;
  });

describe.skipIf(!hasChromium)('fingers', () => {
  const walk = walkFor();

  it('opens the menu of a message that is held, and not of one that is scrolled or tapped', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, '/', PHONE);
    await asSafari(page.context());
    await page.goto(`${walk().url}/with/${alan.id}`);
    await composer(page).fill('hold me, at https://example.com/');
    await page.getByRole('button', { name: 'Send' }).click();
    const held = message(page, 'hold me').locator('.body');
    await isSent(page, 'hold me');
    const finger = await Finger.on(page);
    const menu = page.getByRole('menu', { name: 'Your message' });
    const { x, y } = (await held.boundingBox())!;
    const on = { x: x + 24, y: y + 12 };
    // No time passes between what a finger does, however busy the machine is: only where the test says so.
    await stopTime(page);
    const passed = () => page.clock.runFor(600);
    await finger.down(on);
    await finger.move({ x: on.x, y: on.y + 14 });
    await passed();
    await finger.up();
    await finger.down(on);
    await finger.up();
    await passed();
    await finger.down(await middle(held.getByRole('link')));
    await passed();
    await finger.up();
    expect(await menu.count()).toBe(0);
    await finger.down(on);
    await finger.move({ x: on.x + 3, y: on.y });
    await passed();
    await menu.waitFor();
    await finger.up();
    // The finger that goes up is on the scrim, and closes nothing.
    await page.clock.resume();
    expect(await menu.count()).toBe(1);
    await page.getByRole('menuitem', { name: 'Edit' }).tap();
    await page.getByText('Editing', { exact: true }).waitFor();
    await page.context().close();
  });

  it('closes menus and dialogs by a tap beside them, which does nothing else', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`, PHONE);
    await page.getByText('This is the beginning.').waitFor();
    const back = await middle(page.getByRole('button', { name: 'Back to conversations' }));
    const more = page.getByRole('button', { name: 'More', exact: true });
    const here = page.url();
    await more.tap();
    await page.getByRole('menu').waitFor();
    await page.touchscreen.tap(back.x, back.y);
    await page.getByRole('menu').waitFor({ state: 'detached' });
    expect(page.url()).toBe(here);
    await expect.poll(() => focused(page)).toBe('button More');
    await more.tap();
    await page.getByRole('menuitem', { name: 'Block Alan' }).tap();
    await page.getByRole('dialog').waitFor();
    await page.touchscreen.tap(back.x, back.y);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(page.url()).toBe(here);
    // What was pressed within it is not let go beside it.
    await more.tap();
    await page.getByRole('menuitem', { name: 'Block Alan' }).tap();
    const title = await middle(page.getByRole('dialog').getByRole('heading'));
    await page.mouse.move(title.x, title.y);
    await page.mouse.down();
    await page.mouse.move(title.x, 10);
    await page.mouse.up();
    expect(await page.getByRole('dialog').count()).toBe(1);
    await page.context().close();
  });

  it('returns the focus to what opened a menu or a dialog, also where a click gives none', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada);
    await asSafari(page.context());
    await page.goto(`${walk().url}/with/${alan.id}`);
    await composer(page).waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toBe('button More');
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Block Alan' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => focused(page)).toBe('button More');
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toBe('button New group');
    await page.context().close();
  });

  it('takes the focus along from page to page, and opens no keyboard for it', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'Hello' });
    alan.hangUp();
    const page = await walk().enter(ada, '/', PHONE);
    const row = page.locator('a.row', { hasText: 'Alan' });
    await row.tap();
    await message(page, 'Hello').waitFor();
    await expect.poll(() => focused(page)).toBe('h1 Alan Lovelace');
    await page.getByRole('button', { name: 'Back to conversations' }).tap();
    await expect.poll(() => row.evaluate((link) => link === document.activeElement)).toBe(true);
    await page.getByRole('link', { name: 'Settings' }).tap();
    await expect.poll(() => focused(page)).toBe('h1 Settings');
    await page.goBack();
    await expect.poll(() => focused(page)).toBe('a Settings');
    await page.context().close();
  });

  it('reads nothing behind the members of a group, and comes back from them to the same place', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const group = { chat_group_name: 'Engines', is_private: false };
    const { id } = (await call(walk().server, 'POST', '/http/chat_groups', { token: ada.token, body: group })).body;
    const socket = await ada.connect();
    const to = { chat_type: 'group', chat_group_id: id } as const;
    await send(socket, { ...to, is_enter: true });
    for (let i = 1; i <= 30; i++) await send(socket, { ...to, message: `message ${i}` });
    ada.hangUp();
    const alans = await walk().enter(alan, `/group/${id}`);
    await alans.getByRole('button', { name: 'Join' }).click();
    const other = await walk().enter(ada);
    const page = await walk().enter(ada, `/group/${id}`, PHONE);
    await message(page, 'message 30').waitFor();
    await page.locator('.log').hover();
    await page.mouse.wheel(0, -700);
    await page.getByRole('button', { name: /^Latest/ }).waitFor();
    const key = await firstInView(page);
    const top = () => page.locator(`[data-key="${key}"]`).evaluate((one) => one.getBoundingClientRect().top);
    const before = await top();
    await page.getByRole('button', { name: 'Members' }).tap();
    await expect.poll(() => focused(page)).toBe('h1 Members');
    await page.keyboard.press('Control+F6');
    expect(await focused(page)).not.toMatch(/^(article|textarea)/);
    await page.getByRole('button', { name: 'Back to the conversation' }).tap();
    await expect.poll(() => focused(page)).toBe('h1 Engines');
    expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(1);
    await page.getByRole('button', { name: /^Latest/ }).tap();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    await alans.getByText('2 here now').waitFor();
    await page.getByRole('button', { name: 'Members' }).tap();
    // Whoever does not look is soon not here any more.
    await alans.getByText('1 here now').waitFor();
    await page.clock.install();
    await say(alans, 'behind it');
    const count = other.locator('a.row', { hasText: 'Engines' }).locator('.count');
    await count.waitFor();
    await expect.poll(() => page.title()).toBe('(1) Engines · Parley');
    await page.clock.runFor(3_000);
    expect(await page.title()).toBe('(1) Engines · Parley');
    await page.getByRole('button', { name: 'Back to the conversation' }).tap();
    await count.waitFor({ state: 'detached' });
    await Promise.all([page, other, alans].map((one) => one.context().close()));
  });

  it('keeps what one presses and writes in out of the way of notches, bars and the keyboard', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    for (let i = 1; i <= 30; i++)
      await send(socket, { chat_type: 'room', other_user_id: ada.id, message: `message ${i}` });
    alan.hangUp();
    const page = await walk().enter(ada, '/', PHONE);
    const cdp = await page.context().newCDPSession(page);
    const insets = { top: 47, bottom: 34, left: 20, right: 20 };
    await cdp.send('Emulation.setSafeAreaInsetsOverride', { insets });
    const outside = () =>
      page.evaluate(
        ({ top, bottom, left, right }) =>
          [...document.querySelectorAll('a, button, input, textarea')]
            .filter((one) => one.checkVisibility() && !one.closest('.log, .sheet, .sr'))
            .filter((one) => {
              const at = one.getBoundingClientRect();
              return (
                at.left < left || at.right > innerWidth - right || at.top < top || at.bottom > innerHeight - bottom
              );
            })
            .map((one) => one.outerHTML.slice(0, 100)),
        insets,
      );
    await page.locator('a.row').first().waitFor();
    expect(await outside()).toEqual([]);
    await page.getByRole('button', { name: /Find/ }).tap();
    await page.getByRole('combobox').waitFor();
    expect(await outside()).toEqual([]);
    // As iOS has it: the keyboard lies over the page, and only this tells of it.
    await page.addInitScript(() => {
      const view = Object.assign(new EventTarget(), { height: innerHeight, scale: 1 });
      Object.defineProperty(window, 'visualViewport', { value: view });
    });
    const keyboard = (height: number) =>
      page.evaluate((of) => {
        Object.assign(visualViewport!, { height: innerHeight - of });
        visualViewport!.dispatchEvent(new Event('resize'));
      }, height);
    await page.goto(`${walk().url}/with/${alan.id}`);
    await page.getByRole('button', { name: /^Latest/ }).waitFor();
    expect(await outside()).toEqual([]);
    await page.getByRole('button', { name: /^Latest/ }).tap();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    const bottom = () => composer(page).evaluate((area) => Math.round(area.getBoundingClientRect().bottom));
    const before = await bottom();
    await keyboard(336);
    await expect.poll(bottom).toBe(before - 336);
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    await page.getByRole('button', { name: 'More', exact: true }).tap();
    await page.getByRole('menuitem', { name: 'Block Alan' }).tap();
    await page.getByRole('dialog').waitFor();
    expect((await page.getByRole('dialog').boundingBox())!.y).toBeLessThan(844 - 336 - 200);
    await page.keyboard.press('Escape');
    await keyboard(0);
    await expect.poll(bottom).toBe(before);
    await page.context().close();
  });

  it('finds everything that one may press 44 pixels high and wide', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    const code = '```js\nlet a;\n```\n\n```\nno language\n```';
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: code });
    const made = { chat_group_name: 'Engines', is_private: true };
    const { id } = (await call(walk().server, 'POST', '/http/chat_groups', { token: ada.token, body: made })).body;
    await call(walk().server, 'POST', `/http/chat_groups/access_requests/${id}`, { token: alan.token, body: {} });
    const outside = await walk().page(await walk().context(PHONE));
    for (const path of OUTSIDE) {
      await outside.goto(walk().url + path);
      await outside.getByRole('heading', { level: 1 }).waitFor();
      await allLarge(outside, path);
    }
    await outside.context().close();
    const page = await walk().enter(ada, '/', PHONE);
    for (const [path, ready] of [
      ['/', 'a.row'],
      [`/with/${alan.id}`, '.msg'],
      [`/group/${id}`, '.start'],
      [`/group/${id}/members`, '.ask'],
      ['/helper', '.start'],
      ['/settings', '.set'],
      ['/nowhere', 'h1'],
    ]) {
      await page.goto(walk().url + path);
      await page.locator(ready).first().waitFor();
      await allLarge(page, path);
    }
    for (const [path, name] of [
      ['/', 'New group'],
      ['/', 'Find a person or group'],
      [`/with/${alan.id}`, 'Emoji'],
      [`/with/${alan.id}`, 'More'],
      [`/group/${id}/members`, 'Add people'],
      [`/group/${id}/members`, 'Rename the group'],
      [`/group/${id}/members`, 'Leave the group'],
      ['/settings', 'Change your name'],
      ['/settings', 'Change your password'],
      ['/settings', 'Erase…'],
    ]) {
      await page.goto(walk().url + path);
      await page.getByRole('button', { name, exact: name === 'More' }).tap();
      await page.locator('dialog, .menu, .emoji [data-sign], .unfolded').first().waitFor();
      await allLarge(page, name);
    }
    const nobody = await walk().enter(await walk().join('Grace'), '/', PHONE);
    await nobody.goto(`${walk().url}/group/${id}`);
    await nobody.getByRole('button', { name: 'Ask to join' }).waitFor();
    await allLarge(nobody, 'a closed group');
    await Promise.all([page, nobody].map((one) => one.context().close()));
    alan.hangUp();
  });
});
