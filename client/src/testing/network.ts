import type { Clock } from '../clock.js';
import { memoryStorage } from '../storage.js';
import type { TransportFactory } from '../seams.js';
import type { ParleyOptions } from '../types.js';
import { fakeFetch } from './fake-fetch.js';
import { Line } from './fake-transport.js';
import type { House } from './house.js';

/** The way between devices and the server that runs now. */
export interface Network {
  readonly house: () => House;
  readonly clock: Clock;
  /** The server can be reached. */
  readonly isUp: () => boolean;
  /** Something crosses it: soon, in order, and without any time passing. */
  readonly pass: (run: () => void) => void;
}

/** A device with a network and a storage of its own. */
export interface FakeDevice {
  /** For a ParleyClient on this device. */
  readonly options: ParleyOptions;
  /** Nothing gets through, until `online`. What the device says of itself is the page's to say: see `fakePage`. */
  offline(): void;
  online(): void;
  /** Its connections break, without a word; it may come back at once. */
  drop(): void;
}

export function makeDevice(network: Network, random: () => number): FakeDevice {
  const lines = new Set<Line>();
  let isOnline = true;
  const own: Network = {
    ...network,
    isUp: () => isOnline && network.isUp(),
  };
  const transport: TransportFactory = (to, events) => {
    const line = new Line(to, events, own, (one) => void lines.delete(one));
    lines.add(line);
    return line;
  };
  const drop = (): void => {
    for (const line of lines) line.lose();
  };
  return {
    options: {
      transport,
      fetch: fakeFetch(own),
      clock: network.clock,
      random,
      storage: memoryStorage(),
      tabs: null,
      page: null,
    },
    offline: () => {
      isOnline = false;
      drop();
    },
    online: () => {
      isOnline = true;
    },
    drop,
  };
}
