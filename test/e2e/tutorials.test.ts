// The tutorials, word for word: what they say is written, run, and compared. Ports, names and folders of this machine stand in
// `changes`, and nowhere else.
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { onPrivateServers } from '../support/app.js';
import { hasChromium, TestBrowser } from '../support/browser.js';
import { eventually } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { hasNginx, Nginx } from '../support/nginx.js';
import { Tutorial } from '../support/tutorial.js';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
/** A dozen commands and three servers on a machine that is busy. */
const LONG_MS = 300_000;
const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

it('each tutorial is among those that are run here, and in the README', () => {
  const pages = readdirSync(join(DOCS, 'tutorials'));
  const run = readFileSync(fileURLToPath(import.meta.url), 'utf8').matchAll(/new Tutorial\(\s*'([^']+)'/g);
  expect([...run].map(([, page]) => page).toSorted()).toEqual(pages.toSorted());
  const readme = readFileSync(join(DOCS, '../README.md'), 'utf8');
  for (const page of pages) expect(readme).toContain(`(docs/tutorials/${page})`);
});

describe('a bot of your own', () => {
  it('answers as its tutorial says', { timeout: LONG_MS }, async () => {
    const [parley, bot] = [String(await freePort()), String(await freePort())];
    const changes = { '3000': parley, '8800': bot };
    const tutorial = new Tutorial('your-own-bot.md', changes, { PORT: parley });
    ended.push(() => tutorial.end());
    expect(await tutorial.follow()).toBeGreaterThan(10);
  });
});

describe('a chat in a React page', () => {
  it('runs as its tutorial says, in Node and in a browser', { timeout: LONG_MS }, async () => {
    const [parley, page] = [String(await freePort()), String(await freePort())];
    const changes = { '3000': parley, '5173': page };
    const tutorial = new Tutorial('react-page.md', changes, { PORT: parley });
    ended.push(() => tutorial.end());
    expect(await tutorial.follow()).toBeGreaterThan(10);

    if (!hasChromium) return;
    const browser = await TestBrowser.start();
    ended.push(() => browser.stop());
    const tab = await browser.open(`http://localhost:${page}`);
    const faults: string[] = [];
    tab.on('pageerror', (error) => faults.push(String(error)));
    await tab.getByLabel('E-mail').fill('grace@example.com');
    await tab.getByLabel('Password').fill('correct horse');
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await tab.getByRole('button', { name: 'Alan Turing (1)' }).waitFor();
    await tab.getByLabel('A name').fill('Al');
    await tab.getByRole('button', { name: 'Find' }).click();
    await tab.getByRole('button', { name: 'Alan Turing', exact: true }).first().click();
    await tab.getByRole('listitem').filter({ hasText: 'Can you read this, Grace?' }).waitFor();
    await tab.getByLabel('Message', { exact: true }).fill('I can, Alan.');
    await tab.keyboard.press('Enter');
    await tab.locator('li.stored.mine').filter({ hasText: 'I can, Alan.' }).waitFor();
    // What was seen is unread no more.
    await tab.getByRole('button', { name: 'Alan Turing (1)' }).waitFor({ state: 'detached' });
    await tab.reload();
    await tab.getByRole('navigation').getByRole('button', { name: 'Alan Turing' }).click();
    await tab.getByRole('listitem').filter({ hasText: 'I can, Alan.' }).waitFor();
    expect(faults).toEqual([]);
  });
});

onPrivateServers('behind nginx', (server) => {
  it.skipIf(!hasNginx)('serves as its tutorial says, and knows who comes', { timeout: LONG_MS }, async () => {
    const nginx = await Nginx.start();
    ended.push(() => nginx.stop());
    const [parley, tls] = [String(await freePort()), String(await freePort())];
    const changes = {
      'https://chat.example.com': `https://localhost:${tls}`,
      'chat.example.com': 'localhost',
      'listen 443': `listen 127.0.0.1:${tls}`,
      '443': tls,
      '3000': parley,
      '3306': String(server().port),
      '/etc': nginx.etc,
    };
    const tutorial = new Tutorial(
      'nginx-and-mysql.md',
      changes,
      { PORT: parley },
      {
        sudo: '#!/bin/sh\nexec "$@"\n',
        mysql: rootClient(server().url),
        nginx: nginx.command(),
        // Only what the page asks of it.
        systemctl: '#!/bin/sh\n[ "$*" = "reload nginx" ] && exec nginx -s reload\n',
      },
    );
    ended.push(() => tutorial.end());
    expect(await tutorial.follow()).toBeGreaterThan(10);

    // From another address of this machine: TRUST_PROXY is what tells it from the proxy's own.
    const ca = readFileSync(join(nginx.etc, 'nginx/parley.crt'));
    const headers = { authentication: 'none of ours' };
    const options = { port: tls, path: '/http/users', localAddress: '127.0.0.2', family: 4, ca, headers };
    const status = await new Promise((resolve, reject) => {
      get({ host: 'localhost', ...options }, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    expect(status).toBe(401);
    const told = () => /"event":"token_refused"[^}]*"network":"127\.0\.0\.2"/.test(tutorial.output) || undefined;
    await eventually(told, 'the network of who came').catch((error: Error) => {
      throw new Error(`${error.message}\n${tutorial.output}`);
    });
  });
});

describe('the site of nginx', () => {
  const block = (page: string) => /```nginx.*\n([\s\S]*?)```/.exec(readFileSync(join(DOCS, page), 'utf8'))![1];
  const lines = (text: string) => text.split('\n').map((line) => line.trim());

  it('is in the tutorial what it is in operations.md', () => {
    const [tutorial, operations] = ['tutorials/nginx-and-mysql.md', 'operations.md'].map((page) => lines(block(page)));
    const certificates = tutorial.filter((line) => line.startsWith('ssl_certificate'));
    expect(certificates).toHaveLength(2);
    expect(tutorial.filter((line) => !line.startsWith('ssl_certificate'))).toEqual(
      operations.filter((line) => !line.startsWith('# ssl_certificate')),
    );
  });
});

/** In the place of `mysql`, which need not be installed: runs what it reads as the server's root. */
const rootClient = (url: string): string => `#!/bin/sh
exec node --input-type=module -e '
  import { createConnection } from "mysql2/promise";
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const connection = await createConnection({ uri: process.argv[1], multipleStatements: true });
  await connection.query(text);
  await connection.end();
' ${url}
`;
