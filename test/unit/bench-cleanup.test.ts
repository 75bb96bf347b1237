import { expect, it } from 'vitest';
import { undoAll, undoAtTheEnd } from '../../bench/cleanup.js';

it('undoes what was made, the last first, each once, and nothing that has ended by itself', async () => {
  const undone: string[] = [];
  undoAtTheEnd(() => void undone.push('folder'));
  undoAtTheEnd(() => Promise.reject(new Error('a step that fails, on purpose')));
  const hasEnded = undoAtTheEnd(() => void undone.push('command'));
  undoAtTheEnd(async () => {
    await Promise.resolve();
    undone.push('server');
  });
  hasEnded();
  await undoAll();
  await undoAll();
  expect(undone).toEqual(['server', 'folder']);
});
