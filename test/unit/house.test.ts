// Rules of the house that no linter knows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));

const matches = (pattern: RegExp): [file: string, receiver: string][] =>
  files.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].map(([, first]): [string, string] => [file, first ?? '']),
  );

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
  // By TypeORM's methods, whose first argument is an entity, only on what `UnitOfWork.run` gives.
  const written = /(\w+)\.(?:insert|update|upsert|delete|increment|decrement)\(\s*(?:[A-Z]\w*,|table,)/g;
  expect(matches(written).filter(([, receiver]) => receiver !== 'tx')).toEqual([]);
  // By SQL, only on a transaction: `read` is what reads outside of one.
  expect(matches(/read\b[^;`]*`\s*(INSERT|UPDATE|DELETE|REPLACE)\b/g)).toEqual([]);
});

it('what happened is recorded on its transaction, and published outside of one only by what has none', () => {
  expect(filesWith(/events\.publish\(/)).toEqual(['conversations/message-log.ts', 'sockets/presence.ts']);
});

it('every migration is known to the program', () => {
  const names = readdirSync(join(SRC, 'database/migrations')).filter((name) => /^\d+-/.test(name));
  const known = readFileSync(join(SRC, 'database/data-source.ts'), 'utf8');
  for (const name of names) expect(known).toContain(`./migrations/${name.replace(/\.ts$/, '.js')}`);
});
