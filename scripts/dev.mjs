// The server, which starts again on each change, and the web client, which changes in place, beside each other: the address to open is
// that of the web client, whose requests to the API go on to the server. Arguments are passed on to `nest start`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
process.chdir(ROOT);

// As the server reads it: the environment, with .env beneath it.
const given = { ...(existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}), ...process.env };
process.env.PARLEY_SERVER ??= `http://localhost:${given.PORT?.trim() || 3000}`;

const { createServer } = await import('vite');
const vite = await createServer({ configFile: join(ROOT, 'web/vite.config.ts'), logLevel: 'warn', clearScreen: false });
await vite.listen();
const page = vite.resolvedUrls.local[0].replace(/\/$/, '');

const server = spawn(
  process.execPath,
  ['node_modules/@nestjs/cli/bin/nest.js', 'start', '--watch', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    // What was built is not what is being written.
    env: { ...process.env, WEB_CLIENT: given.WEB_CLIENT || 'off', APP_URL: given.APP_URL || page },
  },
);
// A terminal sends these to both; others send them to this process alone.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
// npm passes a SIGTERM to its shell, which ends without passing it on.
const parent = process.ppid;
setInterval(() => process.ppid === parent || server.kill('SIGTERM'), 500).unref();
server.once('exit', (code) => void vite.close().then(() => process.exit(code ?? 0)));
