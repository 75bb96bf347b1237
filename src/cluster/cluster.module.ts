import { type DynamicModule, Module } from '@nestjs/common';
import { LoneNode, NodeBus } from './node-bus.js';

/** What nodes know of each other. */
@Module({})
export class ClusterModule {
  static with(): DynamicModule {
    return {
      module: ClusterModule,
      global: true,
      providers: [{ provide: NodeBus, useClass: LoneNode }],
      exports: [NodeBus],
    };
  }
}
