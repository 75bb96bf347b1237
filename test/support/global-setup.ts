import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { PrivateMariaDb } from './mariadb.js';

declare module 'vitest' {
  interface ProvidedContext {
    mysqlUrl: string | undefined;
  }
}

/** What all test files share: the built program, and one MariaDB server in which each app gets a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  const given = process.env['TEST_MYSQL_URL'];
  const server = given ? undefined : await PrivateMariaDb.start();
  const url = given ?? server?.url;
  if (!url) {
    if (process.env['REQUIRE_SERVICES'] === '1')
      throw new Error('REQUIRE_SERVICES=1, but there is no MariaDB on this machine.');
    console.warn(
      'No MariaDB on this machine: tests on MariaDB are skipped. Install mariadb-server, or set TEST_MYSQL_URL.',
    );
  }
  project.provide('mysqlUrl', url);
  return async () => server?.stop();
}
