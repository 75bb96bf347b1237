// Loaded into the server under test (`node --expose-gc --import`): answers how much it holds once everything unused is gone.
process.on('message', (question) => {
  if (question !== 'memory') return;
  // Twice: what a finaliser lets go in the first is collected in the second.
  globalThis.gc!();
  setTimeout(() => {
    globalThis.gc!();
    process.send!(process.memoryUsage());
  }, 200);
});
// The benchmark's end is the server's, too.
process.on('disconnect', () => process.exit());
