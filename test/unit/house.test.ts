// Rules of the house that no linter knows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));

const filesWith = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

it('one file alone tells sockets what happened', () => {
  // `upgrades.ts` hands a connection back to Node's own server.
  expect(filesWith(/\.emit\(/).filter((file) => file !== 'sockets/transport/upgrades.ts')).toEqual([
    'sockets/publisher.ts',
  ]);
});

it('one file alone reads the environment', () => {
  expect(filesWith(/process\.env\b/)).toEqual(['config/environment.ts']);
});

it('everything is written in a unit of work', () => {
  expect(filesWith(/@InjectRepository|getRepository\(|\.save\(/)).toEqual([]);
});

it('every migration is known to the program', () => {
  const names = readdirSync(join(SRC, 'database/migrations')).filter((name) => /^\d+-/.test(name));
  const known = readFileSync(join(SRC, 'database/data-source.ts'), 'utf8');
  for (const name of names) expect(known).toContain(`./migrations/${name.replace(/\.ts$/, '.js')}`);
});
