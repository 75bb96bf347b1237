import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApp } from '../../test/support/app.js';
import { bundle, hasChromium, type Site, TestBrowser } from '../../test/support/browser.js';
import { knownClient } from '../../test/support/person.js';

/** As in an application of Preact: the binding of React, by the alias that Preact's own documentation gives. */
const PAGE = `
  import { h, render } from 'preact';
  import { ParleyClient } from 'parley-client';
  import { ParleyProvider, useAttached, useParley, useStore } from 'parley-client/react';

  const { url, token, other } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  window.asked = [];
  window.renders = 0;
  const parley = new ParleyClient(url, {
    fetch: (address, init) => {
      window.asked.push(init.method + ' ' + new URL(address).pathname);
      return fetch(address, init);
    },
  });
  parley.useToken(token);

  function Unread() {
    window.renders++;
    return h('b', null, useStore(useParley().inbox, (inbox) => inbox.unread));
  }
  function Chat({ chat }) {
    useAttached(chat);
    const items = useStore(chat.timeline, (timeline) => timeline.items);
    return h('ol', null, items.map((item) => h('li', { key: item.key }, item.message)));
  }
  function App({ isOpen }) {
    return h(ParleyProvider, { client: parley }, h(Unread), isOpen && h(Chat, { chat: parley.room(Number(other)) }));
  }
  window.parley = parley;
  window.room = parley.room(Number(other));
  window.show = (isOpen) => render(h(App, { isOpen }), document.body);
  window.show(false);
`;

describe.skipIf(!hasChromium)('the binding of React in Preact', () => {
  let browser: TestBrowser;
  let site: Site;
  let app: TestApp;
  beforeAll(async () => {
    browser = await TestBrowser.start();
    const script = await bundle(PAGE, { alias: { react: 'preact/compat' } });
    site = await browser.serve({ '/': '<body></body><script src="/page.js"></script>', '/page.js': script });
    app = await TestApp.start('sqlite', { CORS_ORIGINS: site.secure });
  });
  afterAll(async () => {
    await browser.stop();
    await app?.stop();
  });

  it('shows, follows and lets go', async () => {
    const alan = await knownClient(app, 'Alan');
    const ada = await app.createUser('ada@example.com', 'Ada');
    const room = alan.client.room(ada.id);
    await room.send('one');
    const { url } = app;
    const page = await browser.open(
      `${site.secure}/#${new URLSearchParams({ url, token: ada.token, other: `${alan.id}` })}`,
    );
    await page.getByText('1', { exact: true }).waitFor();
    await page.evaluate('show(true)');
    await page.getByText('one').waitFor();
    await room.send('two');
    await page.getByText('two').waitFor();
    await page.evaluate('room.send("three")');
    await page.getByText('three').waitFor();
    await room.send('four');
    await page.getByText('four').waitFor();
    expect(await page.locator('li').allInnerTexts()).toEqual(['one', 'two', 'three', 'four']);
    const asked = await page.evaluate<string[]>('asked');
    expect(asked.filter((one) => /chat_rooms\/\d/.test(one))).toHaveLength(1);

    // Let go: what was new is not remembered any more.
    expect(await page.evaluate('room.timeline.get().new_from')).toBe(1);
    await page.evaluate('show(false)');
    await page.waitForFunction('room.timeline.get().new_from === undefined');
    await page.close();
    await alan.client.close();
  });
});
