import { ConfigError } from './config/config.js';
import { StartError } from './common/start-error.js';

/** Ends the process. Errors of configuration and environment are printed as one line that says what to do; others are ours, with their stack. */
export function endWithFailure(error: Error & { code?: string }): never {
  if (error instanceof ConfigError || error instanceof StartError) console.error(error.message);
  else if (error.code === 'EADDRINUSE')
    console.error(`${error.message}: something else listens there. Stop it, or set PORT.`);
  else console.error(error);
  process.exit(1);
}
