import { expect } from 'vitest';
import type { TestApp } from './app.js';
import { type Answer, call, type Person, type Target } from './client.js';
import { admin, elevate, setRole } from './staff.js';

/** A registration as anybody sends it. */
export const register = (target: Target, email: string, invite?: string | null): Promise<Answer> =>
  call(target, 'POST', '/http/register', {
    body: {
      email,
      password: 'correct horse battery',
      first_name: 'Ada',
      last_name: 'Lovelace',
      ...(invite !== undefined && { invite }),
    },
  });

export interface MadeInvite {
  id: number;
  token: string;
  url: string | null;
  expires_at: string;
}

/** Makes somebody an admin, and an invitation in their name. @returns what says whether it can be used still */
export async function invitation(app: TestApp, person: Person, password: string): Promise<() => Promise<boolean>> {
  await setRole(app, person, 'admin');
  expect((await elevate(app, person, password)).status).toBe(200);
  const made = await admin(app, person, 'POST', 'invites', {});
  expect(made.status).toBe(201);
  return async () => {
    const [row] = await app.database.query('SELECT revoked_at FROM invites WHERE id = ?', [made.body.id]);
    return row.revoked_at === null;
  };
}
