import { existsSync, readFileSync } from 'node:fs';

/** The program's own, one folder above what is compiled; the benchmark compiles the same files one folder deeper. */
const file = ['../../package.json', '../../../package.json']
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url))!;

export const VERSION = (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
