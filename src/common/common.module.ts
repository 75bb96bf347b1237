import { Global, Module } from '@nestjs/common';
import { Clock } from './clock.js';
import { RateLimits } from './rate-limits.js';

@Global()
@Module({ providers: [Clock, RateLimits], exports: [Clock, RateLimits] })
export class CommonModule {}
