import { Global, Module } from '@nestjs/common';
import { ClientNetworks } from './limits/client-network.js';
import { Metrics } from './metrics.js';
import { Clock } from './timing/clock.js';
import { ListTurns } from './limits/list-turns.js';
import { OpenConnections } from './limits/open-connections.js';
import { RateLimits } from './limits/rate-limits.js';
import { SecurityLog } from './logs/security-log.js';
import { Stopping } from './stopping.js';

@Global()
@Module({
  providers: [Clock, ClientNetworks, ListTurns, Metrics, OpenConnections, RateLimits, SecurityLog, Stopping],
  exports: [Clock, ClientNetworks, ListTurns, Metrics, OpenConnections, RateLimits, SecurityLog, Stopping],
})
export class CommonModule {}
