// better-sqlite3 12 aborts on Node 24 when statements are collected, and 13 crashes Node 20: each Node gets the one that runs there.
const isOld = Number(process.versions.node.split('.')[0]) < 22;
module.exports = isOld
  ? require('./better-sqlite3-12/node_modules/better-sqlite3')
  : require('./better-sqlite3-13/node_modules/better-sqlite3');
