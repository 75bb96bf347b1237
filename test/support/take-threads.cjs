// Loaded into a server before anything else (NODE_OPTIONS): when it is told to, opens eight pipes to which nobody writes. Each takes a
// thread until somebody does.
const { existsSync, open } = require('node:fs');
const path = require('node:path');

const folder = process.env['PIPES'];

// Not in the npm above the server, which reads the same options.
if (folder && process.argv[1]?.endsWith('main.js')) {
  const waiting = setInterval(() => {
    if (!existsSync(path.join(folder, 'go'))) return;
    clearInterval(waiting);
    for (let i = 1; i <= 8; i++) open(path.join(folder, String(i)), 'r', () => undefined);
  }, 20).unref();
}
