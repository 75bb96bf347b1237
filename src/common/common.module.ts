import { Global, Module } from '@nestjs/common';
import { ClientNetworks } from './client-network.js';
import { Clock } from './clock.js';
import { ListTurns } from './list-turns.js';
import { RateLimits } from './rate-limits.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({
  providers: [Clock, ClientNetworks, ListTurns, RateLimits, SecurityLog],
  exports: [Clock, ClientNetworks, ListTurns, RateLimits, SecurityLog],
})
export class CommonModule {}
