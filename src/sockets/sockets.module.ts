import { Global, Module } from '@nestjs/common';
import { Presence } from './presence.js';
import { Publisher } from './publisher.js';
import { Resyncs } from './resyncs.js';
import { SlowReceivers } from './slow-receivers.js';
import { Connections } from './transport/connections.js';
import { Incoming } from './transport/incoming.js';
import { SocketDrain } from './transport/socket-drain.js';

/** Sockets: the publisher, presence, and the limits of connections. */
@Global()
@Module({
  providers: [Publisher, Presence, Resyncs, SlowReceivers, Incoming, Connections, SocketDrain],
  exports: [Publisher, Presence, Incoming],
})
export class SocketsModule {}
