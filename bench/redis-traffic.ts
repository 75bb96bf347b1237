// What Redis was told and said: what nodes cost that the others have to hear.
import type { RedisServer } from '../test/support/redis-server.js';

export interface Traffic {
  commands: number;
  /** In both directions. */
  bytes: number;
}

/** What a look at it costs, and no node asks. */
const OWN = new Set(['info', 'hello', 'client|setinfo', 'client|maint_notifications']);

export class RedisTraffic {
  constructor(private readonly redis: RedisServer) {}

  /** Since Redis was started. */
  async soFar(): Promise<Traffic> {
    const stats = await this.info('stats');
    const bytesOf = (direction: string): number =>
      Number(new RegExp(`total_net_${direction}_bytes:(\\d+)`).exec(stats)![1]);
    const commands = (await this.info('commandstats')).matchAll(/cmdstat_(\S+?):calls=(\d+)/g);
    return {
      commands: [...commands].reduce((sum, [, name, calls]) => sum + (OWN.has(name) ? 0 : Number(calls)), 0),
      bytes: bytesOf('input') + bytesOf('output'),
    };
  }

  private info(section: string): Promise<string> {
    return this.redis.ask<string>(['INFO', section]);
  }
}
