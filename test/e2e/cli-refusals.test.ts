// What `parley` says of a command line that is wrong, whoever finds it, and of what it cannot do.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, TestApp } from '../support/app.js';
import { parley, type Ran } from '../support/cli.js';
import { Person } from '../support/client.js';

/** With `--json` a failure is one object, which says what stderr says. */
async function refused(env: Record<string, string>, words: string[]): Promise<[code: number, stderr: string]> {
  const { code, stdout, stderr }: Ran = await parley(env, ...words, '--json');
  const answer = JSON.parse(stdout);
  expect(answer).toEqual({ ok: false, error: expect.any(String) });
  expect(stderr.endsWith(`${answer.error}\n`)).toBe(true);
  return [code, stderr];
}

describe('a command line that is wrong', () => {
  const dataDir = join(temporaryFolder(), 'none');

  // There is neither a server nor a database: none is needed to see it.
  it.each([
    [['bogus'], /^error: unknown command 'bogus'\n$/],
    [['user', 'dance', '1'], /^error: unknown command 'dance'\n$/],
    [['check', '--bogus'], /^error: unknown option '--bogus'\n$/],
    [['user'], /^error: unknown option '--json'\n$/],
    [[], /^error: unknown option '--json'\n$/],
    [['help', 'bogus'], /\nerror: name one of these commands\n$/],
    [['check', 'extra'], /^error: too many arguments for 'check'\. /],
    [['user', 'suspend'], /^error: missing required argument 'person'\n$/],
    [
      ['invite', 'create', '--uses', '0'],
      /^error: option '--uses <number>' argument '0' is invalid\. .* from 1 on\.\n$/,
    ],
    [['invite', 'create', '--hours', 'abc'], /^error: option '--hours <number>' argument 'abc' is invalid\. /],
    [
      ['invite', 'create', '--group', '3', '--group', 'x'],
      /^error: option '--group <number>' argument 'x' is invalid\. /,
    ],
    [['invite', 'revoke', 'x'], /^error: .* for argument 'invitation'\. It must be a whole number/],
    [
      ['user', 'show', 'nobody'],
      /^error: .* for argument 'person'\. It is no mail address, and no number of a user\.\n$/,
    ],
    [['user', 'show', 'nobody@'], /^error: .* for argument 'person'\. It is no mail address/],
    [['user', 'show', '0'], /^error: .* for argument 'person'\. /],
    [['group', 'freeze', 'x'], /^error: .* 'x' is invalid for argument 'group'\. It must be a whole number/],
    [['group', 'hand-over', '1', 'x'], /^error: .* for argument 'person'\. It is no mail address/],
    [['group', 'delete', ''], /^error: .* for argument 'group'\. /],
    [['report', 'show', 'x'], /^error: .* for argument 'report'\. /],
    [['report', 'list', '--status', 'x'], /^error: option '--status <status>' .* Allowed choices are open, resolved, /],
    [['report', 'resolve', '1', '--action', 'x'], /^error: .* Allowed choices are none, delete_message, suspend\.\n$/],
    [['admin', 'grant', '1', '--role', 'king'], /^error: .* Allowed choices are admin, moderator\.\n$/],
    [['settings', 'set', 'colour', 'red'], /^error: .* Allowed choices are registration, /],
    [['audit', '--before', 'x'], /^error: option '--before <row>' argument 'x' is invalid\. /],
    [['backup', ''], /^<file> is empty\.\n$/],
    [['mail', 'test', 'ada'], /^ada is no mail address\. For example: .*\n$/],
    [['move', 'mysql:x'], /^The target must be a URL like /],
  ] as [string[], RegExp][])('is %j', async (words, line) => {
    expect(await refused({ DATA_DIR: dataDir }, words)).toEqual([2, expect.stringMatching(line)]);
    expect(existsSync(dataDir)).toBe(false);
  });

  it('is one also where the settings are', async () => {
    const ran = await parley({ PORT: 'x' }, 'move', 'mysql:x');
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/^The target must be a URL/)]);
  });
});

describe('what cannot be done', () => {
  it.each([
    [['user', 'show', '1'], {}, /^There is no database in /],
    [['user', 'list'], { PORT: 'x' }, /^The configuration is wrong:\n {2}PORT must be /],
    [['support', '--log', '/nowhere'], {}, /^There is no file \/nowhere\.\n$/],
    [['support', '--log', '/'], {}, /^\/ is a folder\. Name a file\.\n$/],
    [['restore', '/nowhere'], {}, /^There is no file \/nowhere\.\n$/],
  ] as [string[], Record<string, string>, RegExp][])('ends %j with 1', async (words, env, line) => {
    const dataDir = join(temporaryFolder(), 'none');
    expect(await refused({ DATA_DIR: dataDir, ...env }, words)).toEqual([1, expect.stringMatching(line)]);
  });
});

describe('what the server refuses', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    // User 1.
    await Person.known(app);
  });
  afterAll(() => app.stop());

  const long = 'x'.repeat(501);
  it.each([
    // By the name that it has on the command line, and once.
    [['invite', 'create', '--uses', '10001'], 2, /^--uses must be a whole number from 1 to 10000\.\n$/],
    [['invite', 'create', '--hours', '9000'], 2, /^--hours must be a whole number from 1 to 8760\.\n$/],
    [['invite', 'create', '--note', long], 2, /^--note must be a name of 1 to 200 characters in one line, .*\n$/],
    [['invite', 'create', '--group', '77'], 2, /^--group names groups that are not there: 77\.\n$/],
    [['user', 'suspend', '1', '--reason', long], 2, /^--reason must be a text of 1 to 500 characters, .*\n$/],
    [['user', 'list', long], 2, /^\[beginning\] must be a text of 0 to 254 characters, .*\n$/],
    [['user', 'show', 'a..b@example.com'], 2, /^a\.\.b@example\.com is no mail address\.\n$/],
    [['audit', '--before', '9999999999'], 2, /^--before must be a whole number from 1 to 2147483647\.\n$/],
    [['report', 'resolve', '1', '--dismiss', '--action', 'suspend'], 2, /^--action must be none\.\n$/],
    [['settings', 'set', 'registration', 'maybe'], 2, /^registration must be one of open, .*\n$/],
    [
      ['settings', 'set', 'registration', 'domains'],
      2,
      /^allowed_domains must name a domain where registration is .*\n$/,
    ],
    [['settings', 'set', 'registrations_per_hour', '-3'], 2, /^registrations_per_hour must be .*\n$/],
    [['settings', 'set', 'registrations_per_hour', 'many'], 2, /^registrations_per_hour must be .*\n$/],
    // The command line is right: what it names is not there.
    [['invite', 'revoke', '999'], 1, /^There is no such invitation\.\n$/],
    [['user', 'show', '999999'], 1, /^There is no such user\./],
    [['user', 'show', '99999999999'], 1, /^There is no such user\./],
    [['user', 'suspend', 'nobody@example.com'], 1, /^Nobody has the address/],
    [['group', 'freeze', '99999999999'], 1, /^There is no such chat group\./],
    [['report', 'show', '9'], 1, /^There is no such report\./],
  ] as [string[], number, RegExp][])('ends %j with %i', async (words, code, line) => {
    expect(await refused(app.env, words)).toEqual([code, expect.stringMatching(line)]);
  });
});
