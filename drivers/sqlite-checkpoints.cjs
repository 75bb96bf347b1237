// oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins
// A thread in which SQLite's write-ahead log is folded into the database's file: src/database/sqlite/wal-checkpoints.ts starts it.
const { parentPort, workerData } = require('node:worker_threads');
const Sqlite = require('./sqlite.cjs');

// Nobody is waited for: who holds a lock now is done when it is tried again.
const database = new Sqlite(workerData.file, { fileMustExist: true, timeout: 0 });
// The log is flushed before its pages are copied, and the file before the log begins anew.
database.pragma('synchronous = NORMAL');

/** Pages that are not in the database's file yet. */
function pagesLeft() {
  const [{ log, checkpointed }] = database.pragma('wal_checkpoint(NOOP)');
  return Math.max(0, log - checkpointed);
}

function fold({ mode, atLeast }) {
  if (pagesLeft() < atLeast) return { isBusy: false, pagesLeft: 0 };
  const [{ busy }] = database.pragma(`wal_checkpoint(${mode})`);
  // What was written meanwhile is counted, too.
  return { isBusy: busy !== 0, pagesLeft: pagesLeft() };
}

parentPort.on('message', (task) => {
  if (task === 'close') {
    database.close();
    parentPort.close();
    return;
  }
  try {
    parentPort.postMessage(fold(task));
  } catch (error) {
    parentPort.postMessage({ error: error.message, code: error.code });
  }
});
