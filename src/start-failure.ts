import { ConfigError } from './config/config.js';
import { StartError } from './database/start-error.js';

/** Ends the process. Mistakes of the surroundings are one line with the cure; anything else is ours, and keeps its stack. */
export function endWithFailure(error: Error & { code?: string }): never {
  if (error instanceof ConfigError || error instanceof StartError) console.error(error.message);
  else if (error.code === 'EADDRINUSE')
    console.error(`${error.message}: something else listens there. Stop it, or set PORT.`);
  else console.error(error);
  process.exit(1);
}
