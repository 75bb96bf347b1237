import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/options.js';

describe('the options of the benchmark', () => {
  it('measure everything in three rounds, and beside an older commit Parley alone in five', () => {
    expect(readOptions([])).toMatchObject({ rounds: 3, compare: undefined, json: 'bench-results.json' });
    const compared = { rounds: 5, compare: 'abc', on: ['sqlite', 'mariadb', 'mysql'] };
    expect(readOptions(['--compare', 'abc'])).toMatchObject(compared);
  });

  it('choose, in the order of the tables', () => {
    const options = readOptions(['--work', 'W4,W1', '--on', 'sqlite,limit', '--rounds', '7', '--json', 'kept.json']);
    expect(options).toMatchObject({ families: ['W1', 'W4'], on: ['limit', 'sqlite'], rounds: 7, json: 'kept.json' });
  });

  it('are refused where they mean nothing: half an hour is long to wait for a table without a row', () => {
    expect(() => readOptions(['--work', 'W9'])).toThrow('W9: not one of W1, W1p');
    expect(() => readOptions(['--on', 'postgres'])).toThrow('postgres: not one of ws, limit');
    expect(() => readOptions(['--rounds', 'many'])).toThrow('--rounds many: not a number above 0');
    expect(() => readOptions(['--fast'])).toThrow('--fast');
  });

  it('put several nodes on one database, in five rounds', () => {
    expect(readOptions(['--nodes', '3,1,3'])).toMatchObject({
      families: ['W1', 'W1p', 'W2'],
      on: ['mariadb'],
      nodes: { counts: [1, 3], on: 'mariadb' },
      rounds: 5,
    });
    expect(readOptions(['--nodes', '2', '--on', 'mysql', '--work', 'W2'])).toMatchObject({
      families: ['W2'],
      nodes: { counts: [2], on: 'mysql' },
    });
    expect(() => readOptions(['--nodes', '0,2'])).toThrow('--nodes 0,2: not numbers of nodes from 1 to 8');
    expect(() => readOptions(['--nodes', '2,'])).toThrow('--nodes 2,: not numbers');
    expect(() => readOptions(['--nodes', '2', '--on', 'sqlite'])).toThrow('sqlite: not one of mariadb, mysql');
    expect(() => readOptions(['--nodes', '2', '--on', 'mysql,mariadb'])).toThrow('--on mariadb or mysql');
    expect(() => readOptions(['--nodes', '2', '--work', 'W4'])).toThrow('W4: not one of W1, W1p, W2');
    expect(() => readOptions(['--nodes', '2', '--compare', 'abc'])).toThrow('leave --compare away');
    expect(() => readOptions(['--nodes', '2', '--million'])).toThrow('--million is about W4');
  });
});
