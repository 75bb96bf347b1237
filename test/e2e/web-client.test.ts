// The web client as the server gives it out: its files, its routes, and what programs get on the same paths.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporaryFolder, TestApp } from '../support/app.js';
import { call, eventually, mails, mailTo } from '../support/client.js';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const SCRIPT = 'console.log("the app");\n'.repeat(100);

/** A folder as the builder makes it, but small. */
function builtFolder(): string {
  const folder = temporaryFolder();
  const files: Record<string, string | Buffer> = {
    'index.html':
      '<!doctype html><link rel="manifest" href="./manifest.webmanifest"><script type="module" src="./assets/index-1a2b.js"></script><p>The app, not ./here</p>',
    'manifest.webmanifest': '{"start_url":"./"}',
    'sw.js': '// service worker',
    'icons/mark.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'icons/mark-192.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
    'assets/index-1a2b.js': SCRIPT,
    'assets/index-1a2b.js.br': brotliCompressSync(SCRIPT),
    'assets/index-1a2b.js.gz': gzipSync(SCRIPT),
    'assets/index-3c4d.css': 'p{color:red}',
    '.stamp': 'a hash',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const folder = builtFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Got {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
  text: string;
}

/** Sends the path as it is written: `fetch` would take `..` out of it. */
const ask = (url: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: answer.statusCode!, headers: answer.headers, body, text: body.toString() });
      });
    });
    sent.on('error', reject).end();
  });

const browse = (url: string, path: string, method = 'GET'): Promise<Got> => ask(url, path, { accept: HTML }, method);
const isShell = ({ text }: Got): boolean => text.includes('<p>The app, not ./here</p>');

/** What an answer says, without what differs from one request to the next. */
const said = ({ status, headers, text }: Got) => ({
  status,
  headers: { ...headers, date: undefined, 'x-request-id': undefined },
  text,
});

const OF_APP = [
  '/',
  '/login',
  '/register',
  '/mail',
  '/welcome',
  '/forgot',
  '/reset/a1B2c3',
  '/with/5',
  '/group/12',
  '/group/12/members',
  '/helper',
  '/mentions',
  '/settings',
  '/login/',
  '/with/5?at=17',
];
const OF_NOBODY = [
  '/nothing',
  '/logins',
  '/Login',
  '/reset',
  '/reset/a/b',
  '/with/0',
  '/with/05',
  '/with/me',
  '/with/5/members',
  '/group/12/members/3',
  '/settings/more',
  '/assets',
  '/assets/',
  '/assets/missing.js',
  '/.stamp',
  '/httpx',
  '/%68ttpx',
  '/%zz',
  '/%ff',
];
const OF_API = [
  '/http',
  '/http/',
  '/http/nothing',
  '/http/users',
  '/http/%zz',
  '/http/%ff',
  '/%68ttp/nothing',
  '/health',
  '/health/nothing',
  '/health/live',
  '/socket/nothing',
];

let app: TestApp;
let without: TestApp;
beforeAll(async () => {
  [app, without] = await Promise.all([TestApp.start('sqlite', {}, folder), TestApp.start('sqlite')]);
});
afterAll(() => Promise.all([app.stop(), without.stop()]));

describe('a browser', () => {
  it.each(OF_APP)('gets the app at %s', async (path) => {
    const got = await browse(app.url, path);
    expect(got.status).toBe(200);
    expect(got.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(got.headers['cache-control']).toBe('no-cache');
    expect(got.headers['vary']).toBe('Origin, accept');
    expect(got.text).toContain('src="/assets/index-1a2b.js"');
    expect(got.text).toContain('href="/manifest.webmanifest"');
    expect(isShell(got)).toBe(true);
  });

  it.each(OF_NOBODY)('is told by the app that there is nothing at %s', async (path) => {
    const got = await browse(app.url, path);
    expect(got.status).toBe(404);
    expect(got.headers['cache-control']).toBe('no-cache');
    expect(got.headers['etag']).toBeUndefined();
    expect(isShell(got)).toBe(true);
  });

  it('gets it where its Accept prefers HTML to JSON, and the same as programs where it does not', async () => {
    const accepted = async (accept: string, path: string) => isShell(await ask(app.url, path, { accept }));
    for (const path of ['/', '/login', '/nothing']) {
      for (const accept of ['text/html', 'text/*', 'application/json;q=0.5, text/html;q=0.6', 'text/html, */*;q=0.1'])
        expect(await accepted(accept, path), accept).toBe(true);
      for (const accept of [
        '*/*',
        'application/json',
        'text/html;q=0.5, application/json;q=0.6',
        'text/html;q=0, */*',
        'image/avif,image/webp,*/*;q=0.8',
      ])
        expect(await accepted(accept, path), accept).toBe(false);
    }
  });

  it('runs nothing but the files of the app, which speak to this server alone', async () => {
    const policyAt = async (path: string) => (await browse(app.url, path)).headers['content-security-policy'];
    const policy = await policyAt('/');
    expect(policy).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://localhost:3000; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parley-sw",
    );
    expect(await policyAt('/nothing')).toBe(policy);
    expect(await policyAt('/%zz')).toBe(policy);
    expect(await policyAt('/%ff')).toBe(policy);
    for (const path of ['/with/5', '/nothing', '/%zz', '/%ff']) {
      const { headers } = await browse(app.url, path);
      expect(headers['x-content-type-options'], path).toBe('nosniff');
      expect(headers['referrer-policy'], path).toBe('no-referrer');
    }
  });

  it('keeps the page only as long as it is the same', async () => {
    const { headers } = await browse(app.url, '/login');
    const again = (tag: string) => ask(app.url, '/settings', { accept: HTML, 'if-none-match': tag });
    for (const tag of [headers.etag!, `W/${headers.etag}`, `"other", ${headers.etag}`, '*']) {
      const got = await again(tag);
      expect(got.status).toBe(304);
      expect(got.body).toHaveLength(0);
    }
    expect((await again('"other"')).status).toBe(200);
  });
});

it('its routes are those that the app knows', async () => {
  // The app's own, as it is written for browsers.
  const router = '../../web/src/router.js';
  vi.stubGlobal('location', new URL('http://localhost/'));
  const { parse } = (await import(/* @vite-ignore */ router)) as {
    parse: (path: string, query: URLSearchParams) => { at: string };
  };
  vi.unstubAllGlobals();
  const known = (path: string) => parse(new URL(path, 'http://localhost').pathname.slice(1), new URLSearchParams()).at;
  for (const path of OF_APP) expect(known(path), path).not.toBe('nothing');
  for (const path of OF_NOBODY) expect(known(path), path).toBe('nothing');
});

describe('a program', () => {
  it.each([...OF_APP, ...OF_NOBODY, ...OF_API])('gets at %s what it gets without the app', async (path) => {
    for (const accept of ['application/json', '*/*', undefined]) {
      const headers: Record<string, string> = accept === undefined ? {} : { accept };
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
        expect(said(await ask(app.url, path, headers, method)), `${method} ${accept}`).toEqual(
          said(await ask(without.url, path, headers, method)),
        );
    }
  });

  it('gets the documentation at the root', async () => {
    expect((await ask(app.url, '/', { accept: '*/*' })).headers.location).toBe('/http/docs');
  });
});

describe('what belongs to programs', () => {
  it.each(OF_API)('%s never becomes the app', async (path) => {
    const got = await browse(app.url, path);
    expect(isShell(got)).toBe(false);
    expect(said(got)).toEqual(said(await browse(without.url, path)));
  });

  it.each([...OF_APP, ...OF_NOBODY])('%s takes no other methods, of browsers either', async (path) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect(said(await browse(app.url, path, method)), method).toEqual(said(await browse(without.url, path, method)));
  });
});

describe('the files', () => {
  it.each([
    ['/assets/index-1a2b.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/index-3c4d.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/sw.js', 'text/javascript; charset=utf-8', 'no-cache'],
    ['/manifest.webmanifest', 'application/manifest+json; charset=utf-8', 'no-cache'],
    ['/icons/mark.svg', 'image/svg+xml; charset=utf-8', 'no-cache'],
    ['/icons/mark-192.png', 'image/png', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
  ])('%s is given to whoever asks', async (path, type, cacheControl) => {
    for (const accept of [HTML, '*/*', 'application/json']) {
      const got = await ask(app.url, `${path}?v=1`, { accept });
      expect(got.status).toBe(200);
      expect(got.headers).toMatchObject({ 'content-type': type, 'cache-control': cacheControl });
      expect(got.headers['x-content-type-options']).toBe('nosniff');
      const head = await ask(app.url, path, { accept }, 'HEAD');
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      expect(head.headers['content-length']).toBe(String(got.body.length));
      expect(head.headers.etag).toBe(got.headers.etag);
    }
    expect((await ask(app.url, path, {}, 'POST')).status).toBe(404);
  });

  it('are sent in the smallest encoding that the request accepts', async () => {
    const get = (encodings?: string) =>
      ask(app.url, '/assets/index-1a2b.js', encodings === undefined ? {} : { 'accept-encoding': encodings });
    const tags = new Set<string | undefined>();
    const decoded = { br: brotliDecompressSync, gzip: gunzipSync } as const;
    for (const [encodings, expected] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip', 'gzip'],
      ['br;q=0, gzip', 'gzip'],
      ['zstd', undefined],
      [undefined, undefined],
    ] as const) {
      const got = await get(encodings);
      expect(got.headers['content-encoding'], encodings).toBe(expected);
      expect(got.headers['vary']).toBe('Origin, accept-encoding');
      expect(String(expected ? decoded[expected](got.body) : got.body)).toBe(SCRIPT);
      tags.add(got.headers.etag);
    }
    expect(tags.size).toBe(3);
    const plain = await ask(app.url, '/sw.js', { 'accept-encoding': 'br' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['vary']).toBe('Origin');
  });

  it.each([
    '/../package.json',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/index.html',
    '/..%5cpackage.json',
    '/assets/..\\..\\package.json',
    '//assets/index-1a2b.js',
    '/assets//index-1a2b.js',
    '/./sw.js',
    '/sw.js/',
    '/SW.js',
    '/sw.js%00',
    '/assets/index-1a2b.js.br',
    '/.stamp',
    '/%2estamp',
  ])('at %s there is none', async (path) => {
    const [program, browser] = [await ask(app.url, path), await browse(app.url, path)];
    expect([program.status, browser.status]).toEqual([404, 404]);
    expect(program.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(isShell(browser)).toBe(true);
  });

  it('are found encoded as well', async () => {
    expect((await ask(app.url, '/icons/mark%2Dx.svg')).status).toBe(404);
    expect((await ask(app.url, '/icons/m%61rk.svg')).status).toBe(200);
  });
});

/** Registers somebody. @returns the link that came by mail */
async function register(target: TestApp, email: string, times = 1): Promise<URL> {
  const body = { email, password: 'correct horse', first_name: 'Ada', last_name: '' };
  expect((await call(target, 'POST', '/http/register', { body })).status).toBe(202);
  return new URL((await mailTo(target, email, times)).links[0]);
}

/** As the proxy passes it on, which takes the path of PUBLIC_URL out. */
const passedOn = (link: URL): string => link.pathname.replace(/^\/chat(?=\/)/, '');

async function forget(target: TestApp, email: string): Promise<URL> {
  expect((await call(target, 'POST', '/http/password/forgot', { body: { email } })).status).toBe(202);
  const { links } = await eventually(async () =>
    (await mails(target)).find(({ to, subject }) => to === email && subject === 'Set a new Parley password'),
  );
  return new URL(links[0]);
}

/** The parts of an address behind its #. */
const fragmentOf = (location: string | undefined) => Object.fromEntries(new URLSearchParams(location!.split('#')[1]));

describe.each([
  ['the web client is served', 'http://localhost:3000', '', {}, true],
  [
    'it is served below a path',
    'http://localhost:3000/chat',
    '/chat',
    { PUBLIC_URL: 'http://localhost:3000/chat/' },
    true,
  ],
  [
    'an operator has pages of their own',
    'https://app.example.com/talk',
    'https://app.example.com/talk',
    { APP_URL: 'https://app.example.com/talk/' },
    false,
  ],
  [
    'an operator has pages beside the web client',
    'https://app.example.com',
    'https://app.example.com',
    { APP_URL: 'https://app.example.com' },
    true,
  ],
] as const)('links in mails, where %s', (_, appUrl, redirects, env, isServed) => {
  let target: TestApp;
  let server: string;
  beforeAll(async () => {
    target = await TestApp.start('sqlite', env, isServed ? folder : undefined);
    server = target.env['PUBLIC_URL'].replace(/\/$/, '');
  });
  afterAll(() => target.stop());

  it('a registration ends at /welcome, which learns the address', async () => {
    const link = await register(target, 'ada+tag@example.com');
    expect(link.href).toMatch(new RegExp(`^${server}/http/register/\\w+$`));
    const path = passedOn(link);
    for (let times = 0; times < 2; times++) {
      const got = await browse(target.url, path);
      expect(got.status).toBe(303);
      expect(got.headers.location).toBe(`${redirects}/welcome#email=ada%2Btag%40example.com`);
      expect(got.headers['cache-control']).toBe('no-store');
      expect(got.text).not.toContain('ada');
    }
    expect((await ask(target.url, path, { accept: '*/*' })).text).toBe('{"ok":true,"email":"ada+tag@example.com"}');
    expect(
      (await call(target, 'POST', '/http/login', { body: { email: 'ada+tag@example.com', password: 'correct horse' } }))
        .status,
    ).toBe(200);
  });

  it('a registration link that is no good says there why', async () => {
    const unknown = await browse(target.url, '/http/register/nonsense');
    expect(unknown.status).toBe(303);
    expect(unknown.headers.location).toBe(`${redirects}/welcome#error=not_found`);
    expect((await ask(target.url, '/http/register/nonsense')).status).toBe(404);

    const path = passedOn(await register(target, 'late@example.com'));
    await target.database.query('UPDATE registrations SET expires_at = ? WHERE email = ?', [
      '2020-01-01 00:00:00.000',
      'late@example.com',
    ]);
    const expired = await browse(target.url, `${path}.`);
    expect(expired.headers.location).toMatch(new RegExp(`^${redirects}/welcome#`));
    expect(fragmentOf(expired.headers.location)).toEqual({ error: 'expired', token: path.split('/').at(-1) });
    expect((await ask(target.url, path)).status).toBe(410);

    const first = await register(target, 'twice@example.com');
    const second = await register(target, 'twice@example.com', 2);
    await browse(target.url, passedOn(second));
    const taken = await browse(target.url, passedOn(first));
    expect(fragmentOf(taken.headers.location)).toEqual({ error: 'already_registered' });
  });

  it('a new password is chosen in the app, and opening the link changes nothing', async () => {
    await browse(target.url, passedOn(await register(target, 'grace@example.com')));
    const link = await forget(target, 'grace@example.com');
    expect(link.href).toMatch(new RegExp(`^${appUrl}/reset/\\w+$`));
    const token = link.pathname.split('/').at(-1)!;
    // The address of mails that were sent before there was an app.
    const former = await browse(target.url, `/http/password/reset/${token})`);
    expect([former.status, former.headers.location]).toEqual([303, `${redirects}/reset/${token}`]);
    expect((await ask(target.url, `/http/password/reset/${token}`)).text).toBe('{"ok":true}');
    const { headers } = await browse(target.url, '/http/password/forgot');
    expect(headers.location).toBe(`${redirects}/forgot`);
    const body = { token, password: 'another horse' };
    expect((await call(target, 'POST', '/http/password/reset', { body })).status).toBe(200);
    const told = await eventually(async () =>
      (await mails(target)).find(({ to, subject }) => to === 'grace@example.com' && subject.includes('was changed')),
    );
    expect(told.links).toEqual([appUrl, `${appUrl}/forgot`]);
  });

  it('small pages that are left lead to the app', async () => {
    const page = await browse(target.url, '/http/password/restore/nonsense');
    expect(page.status).toBe(404);
    expect(page.text).toContain(`href="${appUrl}/forgot"`);
    const sent = await call(target, 'POST', '/http/password/forgot', {
      headers: { accept: HTML },
      body: { email: 'nobody@example.com' },
    });
    // To the web client with the slash of its path, without which a proxy may not know it.
    const way = 'APP_URL' in env ? appUrl : `${redirects}/`;
    expect(sent.body).toContain(`href="${way}">Go to Parley</a>`);
  });
});

describe('pages of an operator', () => {
  it('may call the server from where APP_URL is', async () => {
    const target = await TestApp.start('sqlite', { APP_URL: 'https://app.example.com/talk' });
    const from = (origin: string) => ask(target.url, '/http/server', { origin });
    const got = await from('https://app.example.com');
    expect([got.status, got.headers['access-control-allow-origin']]).toEqual([200, 'https://app.example.com']);
    expect((await from('https://example.com')).status).toBe(403);
    // None is served, and nothing is shown in its place.
    expect((await browse(target.url, '/login')).status).toBe(404);
    await target.stop();
  });

  it.each(['on', 'off'])('are where the root leads browsers, with API_DOCS=%s', async (docs) => {
    const env = { API_DOCS: docs };
    const [target, plain] = await Promise.all([
      TestApp.start('sqlite', { ...env, APP_URL: 'https://app.example.com/talk' }),
      TestApp.start('sqlite', env),
    ]);
    for (const method of ['GET', 'HEAD']) {
      const got = await browse(target.url, '/', method);
      expect([got.status, got.headers.location]).toEqual([302, 'https://app.example.com/talk']);
      expect(said(await ask(target.url, '/', {}, method))).toEqual(said(await ask(plain.url, '/', {}, method)));
    }
    await Promise.all([target.stop(), plain.stop()]);
  });
});

describe('below a path', () => {
  it('the page links below it, and speaks to the host of PUBLIC_URL', async () => {
    const below = await TestApp.start('sqlite', { PUBLIC_URL: 'https://example.com/our/chat/' }, folder);
    const { text, headers } = await browse(below.url, '/with/5');
    expect(text).toContain('src="/our/chat/assets/index-1a2b.js"');
    expect(text).toContain('href="/our/chat/manifest.webmanifest"');
    expect(headers['content-security-policy']).toContain("connect-src 'self' wss://example.com;");
    await below.stop();
  });
});
