import { expect } from 'vitest';
import { type Answer, call, linkToken, mailTo, Person, type Target } from '../../../test/support/client.js';

const ADDRESS = 'boss@example.com';

/** For the start of a walk in which somebody looks after the server. */
export const OPERATED = { ADMIN_EMAILS: ADDRESS };

/** Whoever looks after it, over HTTP. They have to be able to register. */
export async function operator(server: Target): Promise<Person> {
  const person = await Person.join(server, 'Grace', ADDRESS);
  const token = linkToken(await mailTo(server, ADDRESS, 2));
  const password = 'chosen by the owner';
  await call(server, 'POST', '/http/password/reset', { body: { token, password } });
  await person.login(password);
  await asked(server, person, 'POST', '/http/admin/elevate', { password });
  return person;
}

/** Somebody's request, which succeeds. */
export async function asked(
  server: Target,
  { token }: Person,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const answer = await call(server, method, path, { token, ...(body !== undefined && { body }) });
  expect(answer.status, `${method} ${path}`).toBeLessThan(300);
  return answer;
}
