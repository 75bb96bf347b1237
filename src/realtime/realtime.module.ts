import { Global, Module } from '@nestjs/common';
import { Audience } from './audience.js';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { SlowReceivers } from './slow-receivers.js';
import { Typing } from './typing.js';
import { WhoIsIn } from './who-is-in.js';

@Global()
@Module({
  providers: [Publisher, Presence, SlowReceivers, Audience, Typing, WhoIsIn],
  exports: [Publisher, Presence, Audience, Typing, WhoIsIn],
})
export class RealtimeModule {}
