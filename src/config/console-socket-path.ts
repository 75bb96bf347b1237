import { join } from 'node:path';
import type { Config } from './config.js';

/** Longest path of a socket in bytes: 108 on Linux and 104 on BSD and macOS, a zero at the end included. */
const MAX_PATH = 103;

/** Where the command line reaches the server that runs. */
export const consoleSocketPath = ({ dataDir }: Pick<Config, 'dataDir'>): string => join(dataDir, 'console.sock');

export const isTooLong = (path: string): boolean => Buffer.byteLength(path) > MAX_PATH;
