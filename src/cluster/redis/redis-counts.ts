import type { CountChange, Counts, CountTotal } from '../counts.js';
import type { RedisLink } from './redis-link.js';

/** One key in each call, since keys of a Redis Cluster lie on different servers. A count without an end would stay for ever. */
const ADD = `
if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
if total <= 0 then
  redis.call('DEL', KEYS[1])
  return {0, tonumber(ARGV[2])}
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[2])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {total, left}`;

/** Counts as keys in Redis, which end with their windows. */
export class RedisCounts implements Counts {
  constructor(
    private readonly link: RedisLink,
    private readonly prefix: string,
  ) {}

  /** All in one packet. */
  add(changes: readonly CountChange[]): Promise<(CountTotal | undefined)[]> {
    return Promise.all(changes.map((change) => this.addOne(change)));
  }

  private async addOne({ key, points, isForgotten, endsInMs }: CountChange): Promise<CountTotal | undefined> {
    const args = [String(points), String(Math.max(1, Math.ceil(endsInMs))), isForgotten ? '1' : '0'];
    try {
      const [total, left] = (await this.link.run(ADD, this.prefix + key, args)) as [number, number];
      return { total, endsInMs: left };
    } catch {
      return undefined;
    }
  }
}
