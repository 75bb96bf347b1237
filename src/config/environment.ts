import { existsSync } from 'node:fs';
import { type Config, loadConfig } from './config.js';

/** `npm start` and its kin put npm and a shell above the process. */
export const isStartedByNpm = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** The process's environment, with a `.env` file in the current folder beneath it. @throws ConfigError */
export function loadEnvironment(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return loadConfig(process.env);
}
