import type { CountChange, Counts, CountTotal } from '../counts.js';
import { inTime } from './redis-client.js';
import type { RedisLinks } from './redis-links.js';

/** A server that takes longer counts as one that may not have counted: those of other keys are not held up by it. */
const COUNT_WITHIN_MS = 500;

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
    private readonly links: RedisLinks,
    private readonly prefix: string,
  ) {}

  /** All in one packet to each server. */
  async add(changes: readonly CountChange[]): Promise<(CountTotal | undefined)[]> {
    const totals = Array.from<CountTotal | undefined>({ length: changes.length });
    const all = changes.map(async (change, i) => void (totals[i] = await this.addOne(change)));
    await inTime(Promise.all(all), COUNT_WITHIN_MS).catch(() => undefined);
    return [...totals];
  }

  private async addOne({ key, points, isForgotten, endsInMs }: CountChange): Promise<CountTotal | undefined> {
    const args = [String(points), String(Math.max(1, Math.ceil(endsInMs))), isForgotten ? '1' : '0'];
    try {
      const name = this.prefix + key;
      const counted = (await this.links.of(name)?.run(ADD, name, args)) as [number, number] | undefined;
      if (!counted) return undefined;
      const [total, left] = counted;
      return { total, endsInMs: left };
    } catch {
      return undefined;
    }
  }
}
