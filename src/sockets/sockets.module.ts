import { Global, Module } from '@nestjs/common';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { SlowReceivers } from './slow-receivers.js';
import { Connections } from './transport/connections.js';
import { Incoming } from './transport/incoming.js';

/** The wire: the publisher, who is connected, and the bounds of what connections may do. */
@Global()
@Module({
  providers: [Publisher, Presence, SlowReceivers, Incoming, Connections],
  exports: [Publisher, Presence, Incoming],
})
export class SocketsModule {}
