import { RedisLinks } from '../../cluster/redis/redis-links.js';
import { nameOf } from '../../config/redis-url.js';
import { type Check, fail, ok } from './check.js';

export const redis: Check = {
  name: 'redis',
  async look({ redisUrl }) {
    if (!redisUrl) return [ok('None (no REDIS_URL): one process serves everybody.')];
    const links = new RedisLinks(redisUrl);
    const where = redisUrl.addresses.map(nameOf).join(', ');
    try {
      await links.open();
      const { trouble } = links;
      return trouble === undefined
        ? [ok(`Redis at ${where} answers.`)]
        : [
            fail(
              `Redis at ${where} cannot be used (${trouble}): nodes do not hear from each other. Start it, or correct REDIS_URL.`,
            ),
          ];
    } finally {
      links.close();
    }
  },
};
