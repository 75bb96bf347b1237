// Threads for hashes, flushes to disk and look-ups of names: with the default of four, flushes would wait for hashes. Node reads the variable
// when it first needs a thread, and Node 20 needs one to read main.js: there, the scripts of package.json load this first (`--require`).
process.env['UV_THREADPOOL_SIZE'] ??= '8';
