import 'reflect-metadata';
import { announce } from './banner.js';
import { createApp } from './create-app.js';
import { ConfigError } from './config/config.js';
import { loadEnvironment } from './config/environment.js';
import { StartError } from './database/start-error.js';

async function main(): Promise<void> {
  const config = loadEnvironment();
  const app = await createApp(config);
  await app.listen(config.port, config.host);
  announce(config, performance.now());
}

main().catch((error: Error & { code?: string }) => {
  // Mistakes of the surroundings are one line with the cure; anything else is ours, and keeps its stack.
  if (error instanceof ConfigError || error instanceof StartError) console.error(error.message);
  else if (error.code === 'EADDRINUSE')
    console.error(`${error.message}: something else listens there. Stop it, or set PORT.`);
  else console.error(error);
  process.exit(1);
});
