#!/usr/bin/env node
// parley: the operator's command line. Each command is a file in src/cli/commands.
import './threads.cjs';
import 'reflect-metadata';
import { constants } from 'node:os';
import { run } from './cli/program.js';
import { makePrivateFiles } from './config/file-modes.js';

/** How long an interrupted command may take to end. */
const ENDS_WITHIN_MS = 3_000;

makePrivateFiles();
// What was made for a while is deleted at the exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    const exit = (): never => process.exit(128 + constants.signals[signal]);
    setTimeout(exit, ENDS_WITHIN_MS);
    // Here, since most commands do without it.
    void import('./cli/console/console.js').then(({ closeOwnServers }) => closeOwnServers()).then(exit, exit);
  });
void run(process.argv.slice(2)).then((code) => process.exit(code));
