import 'reflect-metadata';
import { announce } from './banner.js';
import { createApp } from './create-app.js';
import { ConfigError } from './config/config.js';
import { isStartedByNpm, loadEnvironment } from './config/environment.js';
import { StartError } from './database/start-error.js';

async function main(): Promise<void> {
  const config = loadEnvironment();
  const app = await createApp(config);
  await app.listen(config.port, config.host);
  announce(config, performance.now());
  if (isStartedByNpm()) endWithParent();
}

/** npm hands a SIGTERM to its shell, which ends without passing it on: the server would stay, and hold its data, with nobody above. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGTERM'), 500).unref();
}

main().catch((error: Error & { code?: string }) => {
  // Mistakes of the surroundings are one line with the cure; anything else is ours, and keeps its stack.
  if (error instanceof ConfigError || error instanceof StartError) console.error(error.message);
  else if (error.code === 'EADDRINUSE')
    console.error(`${error.message}: something else listens there. Stop it, or set PORT.`);
  else console.error(error);
  process.exit(1);
});
