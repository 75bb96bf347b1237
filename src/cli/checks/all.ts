import type { Config } from '../../config/config.js';
import { type Check, type Checked, made } from './check.js';
import { database } from './database.js';
import { disk, files } from './files.js';
import { mail } from './mail.js';
import { proxy, publicUrl } from './public-url.js';
import { redis } from './redis.js';

const CHECKS: readonly Check[] = [database, redis, mail, publicUrl, proxy, files, disk];

/** Makes all checks at once, and gives what they have found in their order. Never throws. */
export async function checkAll(config: Config): Promise<Checked[]> {
  return (await Promise.all(CHECKS.map((check) => made(check, config)))).flat();
}
