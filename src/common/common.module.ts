import { Global, Module } from '@nestjs/common';
import { ClientNetworks } from './client-network.js';
import { Clock } from './clock.js';
import { ListTurns } from './list-turns.js';
import { RateLimits } from './rate-limits.js';

@Global()
@Module({
  providers: [Clock, ClientNetworks, ListTurns, RateLimits],
  exports: [Clock, ClientNetworks, ListTurns, RateLimits],
})
export class CommonModule {}
