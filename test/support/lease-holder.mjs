// A process that holds a lease for as long as it can: DATABASE_URL and the like are those of a node.
import { setTimeout as sleep } from 'node:timers/promises';
import { Leases } from '../../dist/cluster/leases.js';
import { Metrics } from '../../dist/common/metrics.js';
import { loadConfig } from '../../dist/config/config.js';
import { Database } from '../../dist/database/data-source.js';
import { dataSourceOptions } from '../../dist/database/data-source-options.js';
import { UnitOfWork } from '../../dist/database/unit-of-work.js';

const config = loadConfig(process.env);
const database = await Database.open(config, await dataSourceOptions(config));
const unitOfWork = new UnitOfWork(database, new Metrics(config));
const leases = new Leases(
  unitOfWork,
  { isShared: true, nodeId: Number(process.env.NODE_ID) },
  { worksOnWhatWaits: true },
);
await leases.run('a job', async (lease) => {
  console.log('held');
  while (lease.isHeld) {
    console.log('act');
    await sleep(20);
  }
  console.log('lost');
});
await database.destroy();
