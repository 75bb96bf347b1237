import { Global, Module } from '@nestjs/common';
import { Audience } from './audience.js';
import { Connections } from './connections.js';
import { Incoming } from './incoming.js';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { SlowReceivers } from './slow-receivers.js';
import { Typing } from './typing.js';
import { WhoIsIn } from './who-is-in.js';

@Global()
@Module({
  providers: [Publisher, Presence, SlowReceivers, Incoming, Connections, Audience, Typing, WhoIsIn],
  exports: [Publisher, Presence, Incoming, Audience, Typing, WhoIsIn],
})
export class RealtimeModule {}
