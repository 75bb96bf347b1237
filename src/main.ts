// First, before anything needs a thread.
import './threads.cjs';
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { announce } from './banner.js';
import { createApp } from './create-app.js';
import { makePrivateFiles } from './config/file-modes.js';
import { isStartedByNpm, loadEnvironment } from './config/environment.js';
import { engineName } from './database/engine-name.js';
import { endWithFailure } from './start-failure.js';
import { endOnSignals } from './graceful-stop.js';

async function main(): Promise<void> {
  makePrivateFiles();
  const warnings: string[] = [];
  const config = loadEnvironment((sentence) => warnings.push(sentence));
  const app = await createApp(config);
  const end = endOnSignals(app, config);
  for (const sentence of warnings) new Logger('Configuration').warn(sentence);
  await app.listen(config.port, config.host);
  announce(config, engineName(app.get(DataSource)), performance.now());
  if (isStartedByNpm()) endWithParent(() => end('SIGTERM'));
}

/** npm passes a SIGTERM to its shell, which ends without passing it on: the server would keep running, and hold its lock. */
function endWithParent(end: () => void): void {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || end(), 500).unref();
}

main().catch(endWithFailure);
