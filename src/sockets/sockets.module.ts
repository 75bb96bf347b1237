import { Global, Module } from '@nestjs/common';
import { Audience } from '../people/audience.js';
import { Connections } from './transport/connections.js';
import { Incoming } from './transport/incoming.js';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { SlowReceivers } from './slow-receivers.js';
import { Typing } from '../people/typing.js';
import { WhoIsIn } from '../people/who-is-in.js';

@Global()
@Module({
  providers: [Publisher, Presence, SlowReceivers, Incoming, Connections, Audience, Typing, WhoIsIn],
  exports: [Publisher, Presence, Incoming, Audience, Typing, WhoIsIn],
})
export class RealtimeModule {}
