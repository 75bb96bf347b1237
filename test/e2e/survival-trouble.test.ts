// A disk that is full and a message that no database takes, under load: what was acknowledged stays, and the rest goes on.
import { afterEach, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { eventually } from '../support/client.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Ledger, storedRows } from '../support/ledger.js';

let app: TestApp;
let crowd: Crowd;
afterEach(async () => {
  crowd.hangUp();
  await app.stop();
});

const pragma = async (name: string, value?: number): Promise<number> => {
  const [row] = await app.database.query(`PRAGMA ${name}${value === undefined ? '' : ` = ${value}`}`);
  return row[name];
};

describe('a full disk under SQLite', () => {
  it('refuses what does not fit, stores nothing by halves, and serves again when there is room', async () => {
    app = await TestApp.start('sqlite');
    crowd = await (await Crowd.gather(app)).connect(app);
    const ledger = new Ledger();
    crowd.startSending(ledger, 10);
    await acknowledgedMore(ledger, 100);
    for (let round = 1; round <= 2; round++) {
      await pragma('max_page_count', (await pragma('page_count')) + 3);
      const refused = ledger.refused.get('unavailable') ?? 0;
      await eventually(() => (ledger.refused.get('unavailable') ?? 0) > refused + 20 || undefined, 'the full disk');
      await pragma('max_page_count', 1_000_000);
      await acknowledgedMore(ledger, 100);
    }
    await ledger.stop();
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);

    // Where a message stands alone, SQLite itself ends the whole transaction. Later ones must still be committed, also behind one
    // that was undone.
    const [ada] = crowd.people;
    const socket = crowd.sockets.get(ada)!;
    await pragma('max_page_count', (await pragma('page_count')) + 3);
    const refused = ledger.refused.get('unavailable')!;
    for (let i = 1; ledger.refused.get('unavailable') === refused; i++)
      await ledger.send(socket, ada, { group: crowd.group }, `${i} `.padEnd(4000, 'x'));
    await pragma('max_page_count', 1_000_000);
    expect((await ada.get('/http/chat_groups/1999999999')).status).toBe(404);
    const before = (await storedRows(app.env)).length;
    await ledger.send(socket, ada, { group: crowd.group }, 'there is room again');
    expect((await storedRows(app.env)).length).toBe(before + 1);
    await ledger.settle(app.env, crowd.sockets);
  });
});

onAllDialects('a message that the database refuses', (dialect) => {
  it('fails alone in a busy batch, and keeps nobody waiting', async () => {
    app = await TestApp.start(dialect);
    crowd = await (await Crowd.gather(app)).connect(app);
    const raise =
      dialect === 'sqlite'
        ? "WHEN NEW.body = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END"
        : "FOR EACH ROW IF NEW.body = 'poison' THEN SIGNAL SQLSTATE '45000'; END IF";
    await app.database.query(`CREATE TRIGGER poison BEFORE INSERT ON messages ${raise}`);
    const ledger = new Ledger();
    crowd.startSending(ledger, 20);
    const [ada, bob] = crowd.people;
    for (let round = 1; round <= 5; round++) {
      await acknowledgedMore(ledger, 100);
      await Promise.all([
        ledger.send(crowd.sockets.get(ada)!, ada, { with: bob }, 'poison'),
        ledger.send(crowd.sockets.get(bob)!, bob, { group: crowd.group }, 'poison'),
      ]);
    }
    await ledger.stop();
    expect([...ledger.refused]).toEqual([['internal', 10]]);
    await app.database.query('DROP TRIGGER poison');
    await ledger.settle(app.env, crowd.sockets);
  });
});
