// Threads for hashes, flushes to disk and look-ups of names: with the usual four, hashes would keep the flushes waiting. Node counts them
// when it first needs one, and Node 20 needs one to read main.js: there, the scripts of package.json load this before (`--require`).
process.env['UV_THREADPOOL_SIZE'] ??= '8';
