import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Head } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Unavailable } from '../../common/errors.js';
import { Public } from '../../common/identity.js';
import { Stopping } from '../../common/stopping.js';
import { UnitOfWork } from '../../database/unit-of-work.js';

/** Deadline of the check: monitors take out a node that does not answer. */
const READY_WITHIN_MS = 2_000;

/** For monitors: a container engine, a load balancer. */
@ApiExcludeController()
@Controller('health')
export class HealthController {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly stopping: Stopping,
  ) {}

  /** The process answers. */
  @Get('live')
  @Public()
  live() {
    return { status: 'ok' };
  }

  /** For balancers that send HEAD. */
  @Head('live')
  @Public()
  headLive() {
    return this.live();
  }

  @Head('ready')
  @Public()
  headReady() {
    return this.ready();
  }

  /** The server is ready: the database answers, and it is not shutting down. */
  @Get('ready')
  @Public()
  async ready() {
    if (this.stopping.hasBegun) throw new Unavailable('The server is shutting down.');
    // Of a table: a server of a Galera cluster without a majority answers what needs none.
    const isReady = this.unitOfWork.read.query('SELECT 1 FROM conversations WHERE id = 0').then(
      () => true,
      () => false,
    );
    if (!(await Promise.race([isReady, sleep(READY_WITHIN_MS, false, { ref: false })]))) throw new Unavailable();
    return { status: 'ok' };
  }
}
