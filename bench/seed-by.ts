// seed-by.js FOLDER ENVIRONMENT POPULATION: fills a database with the seed of the build in that folder, and says who is in it.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Population, seed } from './seed.js';

const [, , root, env, population] = process.argv;
const url = pathToFileURL(join(root, 'dist-bench/bench/seed.js')).href;
const build = (await import(url)) as { seed: typeof seed };
const seeded = await build.seed(JSON.parse(env) as Record<string, string>, JSON.parse(population) as Population);
process.send!(seeded, () => process.exit());
