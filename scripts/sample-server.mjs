// A server of its own with an empty database in a folder that goes with it, and people who join it by mail as everybody does: for scripts
// that look at the web client.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ParleyClient } from 'parley-client';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Of everybody who joins. */
export const PASSWORD = 'correct horse battery';
const ADMIN = 'admin@example.com';

/** Starts the built server. @returns its address, and how to stop it */
export async function startServer() {
  const data = mkdtempSync(join(tmpdir(), 'parley-sample-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ['--require', './dist/threads.cjs', 'dist/main.js'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      DATA_DIR: data,
      PORT: String(port),
      PUBLIC_URL: url,
      RATE_LIMITS: 'off',
      ADMIN_EMAILS: ADMIN,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await until(() => fetch(`${url}/health/ready`).then(({ ok }) => ok));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** Registers somebody, opens the link of the mail, and logs in. @returns their client */
export async function joinServer(url, { email, first_name, last_name }) {
  const client = new ParleyClient(url, { page: null, tabs: null });
  await client.register({ email, password: PASSWORD, first_name, last_name });
  await client.confirm(await mailedToken(url, email, 1));
  await client.login(email, PASSWORD);
  return client;
}

/** An admin, by the second mail that comes to their address. @returns how they ask for something below /http/admin */
export async function joinAdmin(url) {
  const client = await joinServer(url, { email: ADMIN, first_name: 'Admin', last_name: '' });
  await client.resetPassword(await mailedToken(url, ADMIN, 2), PASSWORD);
  await client.close();
  const { token } = await ask('POST', `${url}/http/login`, undefined, { email: ADMIN, password: PASSWORD });
  await ask('POST', `${url}/http/admin/elevate`, token, { password: PASSWORD });
  return (method, path, body) => ask(method, `${url}/http/admin/${path}`, token, body);
}

async function ask(method, url, token, body) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const init = { method, headers, body: JSON.stringify(body) };
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Of the newest mail to an address, once there are so many. */
async function mailedToken(url, email, count) {
  let link;
  await until(async () => {
    const mails = await (await fetch(`${url}/dev/mail`, { headers: { accept: 'application/json' } })).json();
    const theirs = mails.filter(({ to }) => to === email);
    link = theirs[0]?.links[0];
    return theirs.length >= count;
  });
  return new URL(link).pathname.split('/').at(-1);
}

/** Asks until it is true, for a minute. */
async function until(isSo) {
  for (let i = 0; i < 300; i++) {
    if (await isSo().catch(() => false)) return;
    await sleep(200);
  }
  throw new Error('The server took longer than a minute.');
}

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
