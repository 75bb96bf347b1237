// @vitest-environment happy-dom
// "Your data" in the settings: what it says, whatever the server answers.
import { fakeServer } from 'parley-client/testing';
import { render } from 'preact';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pageOf } from './page-client.js';

vi.mock('../src/parley.js', () => import('./page-client.js'));

const root = document.createElement('div');
const HOUR = 3_600_000;
let server: ReturnType<typeof fakeServer>;
let ada: ReturnType<typeof server.person>;

beforeEach(() => {
  server = fakeServer();
  ada = server.person({ first_name: 'Ada', email: 'ada@example.com' });
  document.body.append(root);
});
afterEach(() => render(null, root));

async function draw(options: Parameters<typeof ada.client>[0] = {}): Promise<void> {
  const { YourData } = await import('../src/settings/export.js');
  const parley = pageOf(await ada.client(options));
  await server.pass(1_000);
  render(<YourData me={await parley.me.read()} />, root);
}

const button = (name: RegExp) => [...root.querySelectorAll('button')].find((one) => name.test(one.textContent))!;
const said = () => root.textContent;

/** Types a password, and presses the button. */
async function ask(password: string): Promise<void> {
  if (!root.querySelector('form')) button(/^Export/).click();
  await expect.poll(() => root.querySelector('input')).not.toBeNull();
  root.querySelector('input')!.value = password;
  root.querySelector('form')!.requestSubmit();
  await server.pass(100);
}

it('asks for the password, and says that a mail comes', async () => {
  await draw();
  await ask('');
  await expect.poll(said).toContain('Enter your password.');
  await ask('not it');
  await expect.poll(said).toContain('This is not your password.');
  await ask(ada.password);
  await expect.poll(() => root.querySelector('[role=status]')?.textContent).toContain('a mail with a link');
  expect(said()).toContain('ada@example.com');
  expect(server.mails('ada@example.com')).toHaveLength(1);
  await vi.waitFor(() => expect(document.activeElement).toBe(button(/^Export/)));
});

it('says when the next one can be had, and when so many passwords were wrong', async () => {
  await draw();
  await ask(ada.password);
  await expect.poll(() => root.querySelector('form')).toBeNull();
  await server.pass(HOUR);
  await ask(ada.password);
  await expect.poll(said).toContain('Not so fast: try again in 23 hours.');
  for (let tries = 0; tries < 11; tries++) await ask('not it');
  await expect.poll(said).toContain('Not so fast: try again in 15 minutes.');
});

it('speaks of no tries where the day is nearly over', async () => {
  await draw();
  await ask(ada.password);
  await expect.poll(() => root.querySelector('form')).toBeNull();
  await server.pass(23.9 * HOUR);
  await ask(ada.password);
  await expect.poll(said).toContain('Not so fast: try again in 6 minutes.');
});

it('says that one is offline, and keeps what was typed', async () => {
  await draw();
  server.offline();
  await ask(ada.password);
  await expect.poll(said).toContain('You are offline.');
  expect(root.querySelector('input')!.value).toBe(ada.password);
});

it('is not there where the server has no exports', async () => {
  const { fetch } = server.options;
  await draw({
    fetch: async (input, init) => {
      const response = await fetch!(input, init);
      if (!(input as string).endsWith('/http/server')) return response;
      return Response.json({ ...((await response.json()) as object), features: [] });
    },
  });
  expect(root.innerHTML).toBe('');
});
