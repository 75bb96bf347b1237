import { Global, Module } from '@nestjs/common';
import { ClientNetworks } from './client-network.js';
import { Clock } from './clock.js';
import { ListTurns } from './list-turns.js';
import { OpenConnections } from './open-connections.js';
import { RateLimits } from './rate-limits.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({
  providers: [Clock, ClientNetworks, ListTurns, OpenConnections, RateLimits, SecurityLog],
  exports: [Clock, ClientNetworks, ListTurns, OpenConnections, RateLimits, SecurityLog],
})
export class CommonModule {}
