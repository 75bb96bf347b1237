import { Global, Module } from '@nestjs/common';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { SlowReceivers } from './slow-receivers.js';

@Global()
@Module({ providers: [Publisher, Presence, SlowReceivers], exports: [Publisher, Presence] })
export class RealtimeModule {}
