// Who may register, as a client sees it: what the server says of itself, while that changes, and invitations.
import { expect, it } from 'vitest';
import { ParleyClient } from '../src/client.js';
import { fakeServer } from '../src/testing/index.js';

const PERSON = { email: 'new@example.com', password: 'correct horse battery', first_name: 'New', last_name: '' };

it('what an operator sets is there at once for whoever is signed in', async () => {
  const server = fakeServer();
  const ada = server.person({ first_name: 'Ada' });
  const parley = await ada.client();
  const stop = parley.server.subscribe(() => {});
  await server.pass(1_000);
  expect(parley.server.get()).toMatchObject({ registration: 'open', motd: null });
  server.operate({ registration: 'invite', motd: 'Hello.' });
  await server.pass(1_000);
  expect(parley.server.get()).toMatchObject({ registration: 'invite', motd: 'Hello.' });
  server.operate({ motd: null });
  await server.pass(1_000);
  expect(parley.server.get()).toMatchObject({ registration: 'invite', motd: null });
  stop();
  await parley.close();
});

it('an invitation lets in as many as it says, and each refusal has its code', async () => {
  const server = fakeServer();
  const parley = new ParleyClient(server.url, server.options);
  const code = async (work: Promise<unknown>): Promise<string | undefined> => {
    const caught = work.then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    await server.pass(1_000);
    return caught;
  };
  server.operate({ registration: 'closed' });
  expect(await code(parley.register(PERSON))).toBe('registration_closed');
  server.operate({ registration: 'domains', allowed_domains: ['example.org'] });
  expect(await code(parley.register(PERSON))).toBe('domain_not_allowed');
  server.operate({ registration: 'invite' });
  expect(await code(parley.register({ ...PERSON, invite: undefined }))).toBe('invite_required');
  expect(await code(parley.register({ ...PERSON, invite: 'x'.repeat(33) }))).toBe('invite_invalid');
  const invite = server.invite();
  expect(await code(parley.register({ ...PERSON, invite }))).toBeUndefined();
  const [mail] = server.mails(PERSON.email);
  expect(await code(parley.confirm(mail.links[0].split('/').at(-1)!))).toBeUndefined();
  expect(await code(parley.register({ ...PERSON, email: 'late@example.com', invite }))).toBe('invite_invalid');
  await parley.close();
});
