// Builds side by side what stands in TypeScript (the arguments are tsconfig files) and the web client. Ends with 1 where one fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const run = (...args) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    child.once('exit', (code) => resolve(code === 0));
  });

const succeeded = await Promise.all([
  run('node_modules/typescript/bin/tsc', '-b', ...process.argv.slice(2)),
  run('scripts/build-web.mjs'),
]);
process.exit(succeeded.every(Boolean) ? 0 : 1);
