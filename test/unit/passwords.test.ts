// Who waits for whom where many passwords are to be hashed.
import { expect, it, vi } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';

const running = vi.hoisted(() => ({ now: 0, most: 0 }));

// The hashes are real; only counted, while they run.
vi.mock('@node-rs/argon2', async (importActual) => {
  const argon2 = await importActual<typeof import('@node-rs/argon2')>();
  const counted =
    <Given extends unknown[], T>(work: (...given: Given) => Promise<T>) =>
    async (...given: Given): Promise<T> => {
      running.most = Math.max(running.most, ++running.now);
      return work(...given).finally(() => running.now--);
    };
  return { ...argon2, hash: counted(argon2.hash), verify: counted(argon2.verify) };
});

it('three passwords are hashed at once, whatever for', async () => {
  const passwords = new Passwords();
  await passwords.matches('x', undefined, 'login');
  running.most = 0;
  await Promise.all(
    Array.from({ length: 6 }, () => [
      passwords.hash('x', 'owner'),
      passwords.matches('x', undefined, 'owner'),
      passwords.matches('x', undefined, 'login'),
      passwords.hash('x', 'registration'),
      passwords.search('x', [], 2),
    ]).flat(),
  );
  expect(running.most).toBe(3);
});

it('those who register and those who ask for another link take turns', async () => {
  const passwords = new Passwords();
  await passwords.matches('x', undefined, 'login');
  const order: string[] = [];
  const note = (what: string) => () => void order.push(what);
  await Promise.all([
    passwords.search('x', [], 3).then(note('resend')),
    ...Array.from({ length: 8 }, () => passwords.hash('x', 'registration').then(note('registration'))),
  ]);
  // Behind each of its three checks one who registers, and perhaps one before the first.
  expect(order.indexOf('resend')).toBeGreaterThanOrEqual(2);
  expect(order.indexOf('resend')).toBeLessThanOrEqual(3);
});
