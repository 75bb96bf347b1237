import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { BusMetrics } from './bus-metrics.js';
import { Claims } from './claims.js';
import { Leases } from './leases.js';
import { Homes } from './homes.js';
import { LoneNode, NodeBus } from './node-bus.js';
import { Recheck } from './recheck.js';
import { Nodes } from './nodes.js';
import { SharedRates } from './shared-rates.js';

/** What nodes know of each other. */
@Module({})
export class ClusterModule {
  static with({ redisUrl, redisPrefix }: Config): DynamicModule {
    const useFactory = async (): Promise<NodeBus> => {
      if (redisUrl === undefined) return new LoneNode();
      // Without Redis nothing of it is loaded.
      const { RedisBus } = await import('./redis/redis-bus.js');
      return RedisBus.open(redisUrl, redisPrefix);
    };
    return {
      module: ClusterModule,
      global: true,
      providers: [{ provide: NodeBus, useFactory }, BusMetrics, Leases, Claims, Homes, Nodes, Recheck, SharedRates],
      exports: [NodeBus, Leases, Claims, Homes, Nodes, Recheck],
    };
  }
}
