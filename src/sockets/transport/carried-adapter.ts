import type { Adapter, BroadcastOptions } from 'socket.io-adapter';
import type { Carrier } from '../../cluster/carrier.js';
import { EVERYBODY, isCarried } from '../rooms.js';

/** A packet to more rooms than this goes to all nodes once, and not to the channel of each room. */
const MOST_CHANNELS = 8;
/** Packets to several rooms that a node remembers to have delivered: more than can be under way at once. */
const REMEMBERED = 10_000;

/** The type of an event in the protocol of Socket.IO. */
const EVENT = 2;

type Namespace = ConstructorParameters<typeof Adapter>[0];

/** What travels: from which node, its number where it travels by several channels, to and not to whom, whether it may be dropped, what. */
type Packed = [from: number, number: number, rooms: string[], except: string[], isVolatile: 0 | 1, data: unknown[]];

/** What arrives from other nodes: the event with what it carries. */
export type Arrived = (data: readonly unknown[]) => void;

/** An adapter whose packets also reach the sockets of other nodes. */
export interface CarriedAdapter extends Adapter {
  onArrival: Arrived;
  /** Listens to the channel of a room that may get a socket soon. As Carrier.listen. */
  listen(room: string): Promise<void> | undefined;
  unlistenUnlessUsed(room: string): void;
}

export const isCarriedAdapter = (adapter: Adapter): adapter is CarriedAdapter => 'onArrival' in adapter;

/**
 * The adapter `base`, with packets that are delivered to the sockets of this node first, and then carried to others. A node listens to the
 * channels of the rooms in which it has sockets.
 */
export function carriedAdapter(base: typeof Adapter, carrier: Carrier, nodeId: number): typeof Adapter {
  return class extends base implements CarriedAdapter {
    onArrival: Arrived = () => undefined;
    private number = 0;
    /** By node and number, packets to several rooms that were delivered, the oldest first. */
    private readonly delivered = new Set<string>();

    constructor(nsp: Namespace) {
      super(nsp);
      this.on('delete-room', (room: string) => carrier.unlisten(room));
      // There is one namespace.
      const own = `[${nodeId},`;
      carrier.onArrival((text) => {
        // A node also hears what it has sent itself.
        if (!text.startsWith(own)) this.deliver(JSON.parse(text) as Packed);
      });
    }

    /** Resolves once nothing that other nodes send to these rooms is missed. */
    override addAll(id: string, rooms: Set<string>): Promise<void> | void {
      void super.addAll(id, rooms);
      const waits: Promise<void>[] = [];
      for (const room of rooms) {
        const wait = isCarried(room) ? carrier.listen(room) : undefined;
        if (wait) waits.push(wait);
      }
      if (waits.length > 0) return Promise.all(waits).then(() => undefined);
    }

    listen(room: string): Promise<void> | undefined {
      return this.rooms.has(room) ? undefined : carrier.listen(room);
    }

    unlistenUnlessUsed(room: string): void {
      if (!this.rooms.has(room)) carrier.unlisten(room);
    }

    override broadcast(packet: { data: unknown[] }, opts: BroadcastOptions): void {
      super.broadcast(packet, opts);
      if (opts.flags?.local) return;
      const rooms = [...opts.rooms].filter(isCarried);
      if (rooms.length === 0) return;
      const channels = rooms.length > MOST_CHANNELS ? [EVERYBODY] : rooms;
      const number = channels.length > 1 ? ++this.number : 0;
      const isVolatile = opts.flags?.volatile ? 1 : 0;
      const packed: Packed = [nodeId, number, rooms, [...(opts.except ?? [])], isVolatile, packet.data];
      const text = JSON.stringify(packed);
      for (const channel of channels) carrier.send(channel, text);
    }

    private deliver([from, number, rooms, except, isVolatile, data]: Packed): void {
      if (number > 0 && this.isRepeat(`${from}:${number}`)) return;
      this.onArrival(data);
      super.broadcast(
        { type: EVENT, data },
        { rooms: new Set(rooms), except: new Set(except), flags: { volatile: isVolatile === 1 } },
      );
    }

    private isRepeat(key: string): boolean {
      if (this.delivered.has(key)) return true;
      this.delivered.add(key);
      if (this.delivered.size > REMEMBERED) this.delivered.delete(this.delivered.values().next().value!);
      return false;
    }
  };
}
