import { Global, Module } from '@nestjs/common';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';

@Global()
@Module({ providers: [Publisher, Presence], exports: [Publisher, Presence] })
export class RealtimeModule {}
