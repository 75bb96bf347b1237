import { Injectable } from '@nestjs/common';
import { Metrics } from '../common/metrics.js';
import { NodeBus } from './node-bus.js';

/** What monitoring asks for of what nodes tell each other. */
@Injectable()
export class BusMetrics {
  constructor(bus: NodeBus, metrics: Metrics) {
    metrics.gauge('parley_nodes', 'Nodes that hear each other, this one among them.', () => bus.nodes().length + 1);
    metrics.gauge('parley_redis_up', '1 where other nodes hear what is told here; without REDIS_URL always.', () =>
      Number(bus.isUp),
    );
    metrics.counter(
      'parley_redis_dropped_total',
      'What was not told to other nodes, since Redis was away or slow.',
      () => bus.dropped,
    );
  }
}
