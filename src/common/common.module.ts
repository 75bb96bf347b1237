import { Global, Module } from '@nestjs/common';
import { ClientNetworks } from './client-network.js';
import { Clock } from './clock.js';
import { RateLimits } from './rate-limits.js';

@Global()
@Module({ providers: [Clock, ClientNetworks, RateLimits], exports: [Clock, ClientNetworks, RateLimits] })
export class CommonModule {}
