// Another e-mail address of one's own.
import { expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';

it('is asked for with the password, and known once the link in the mail was used', async () => {
  const server = fakeServer();
  const ada = server.person({ first_name: 'Ada', email: 'ada@example.com' });
  const client = await ada.client();
  await server.pass(1_000);
  await expect(client.me.changeEmail('new@example.com', 'not it')).rejects.toMatchObject({ code: 'wrong_password' });
  await expect(client.me.changeEmail('ada@example.com', ada.password)).rejects.toMatchObject({ code: 'invalid' });
  await client.me.changeEmail('new@example.com', ada.password);
  expect(await client.me.read()).toMatchObject({ id: ada.id, email: 'ada@example.com' });
  const [mail] = server.mails('new@example.com');
  const token = new URL(mail.links[0]).pathname.split('/').at(-1);
  await ada.calls('POST', '/http/email/confirm', { token });
  expect(await client.me.read()).toMatchObject({ id: ada.id, email: 'new@example.com' });
  expect(client.auth.get()).toMatchObject({ status: 'signed_in', me: { email: 'new@example.com' } });
  await client.logout();
  // For the next login.
  expect(client.auth.get()).toMatchObject({ status: 'signed_out', last_email: 'new@example.com' });
  expect(await client.login('new@example.com', ada.password)).toMatchObject({ id: ada.id });
});
