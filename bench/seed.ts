// Fills an empty database with people, groups and messages, straight through SQL: the way in is not what is measured. `--compare`
// calls `seed` of an older commit as well: what it takes and what it gives stay as they are.
import { AccessTokens } from '../src/identity/access-tokens.js';
import { loadConfig } from '../src/config/config.js';
import { Database } from '../src/database/data-source.js';
import { dataSourceOptions } from '../src/database/data-source-options.js';
import { insertRows, toMoment } from '../src/database/dialect.js';

export const SECRET = 'a secret for the benchmark, longer than 32 bytes';

/** What is stored before anything is measured. */
export interface Population {
  /** The first `sockets` of them have a session and a token. */
  users: number;
  sockets: number;
  groups: number;
  /** Members of each group: of the first `sockets` users, the same number of groups each. */
  membersPerGroup: number;
  /** Messages in the room of the first two users. */
  history: number;
  /** Further messages, in rooms of a hundred each between users who do nothing. */
  background: number;
}

export interface Seeded {
  tokens: string[];
  /** The room of the first two users. */
  historyRoomId: number;
  groupIds: number[];
}

const ROOM_OF = 100;
const TEXT = 'x'.repeat(100);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export async function seed(env: Record<string, string>, population: Population): Promise<Seeded> {
  const config = loadConfig(env);
  const database = await Database.open(config, await dataSourceOptions(config));
  const now = Date.now();
  const past = (millisecondsAgo: number): string => toMoment(new Date(now - millisecondsAgo));
  const moment = past(0);
  const expires = new Date(now + 30 * 86_400_000);

  /** Rows in statements of a thousand, in one transaction each hundred thousand. */
  async function fill(table: string, columns: string, rows: Iterable<(string | number | null)[]>): Promise<void> {
    let chunk: (string | number | null)[][] = [];
    const flush = (): Promise<void> =>
      database.transaction(async (tx) => {
        for (let i = 0; i < chunk.length; i += 1000) await insertRows(tx, table, columns, chunk.slice(i, i + 1000));
        chunk = [];
      });
    for (const row of rows) if (chunk.push(row) === 100_000) await flush();
    if (chunk.length > 0) await flush();
  }

  const name = ['Ada', 'Lovelace', 'ada', 'lovelace', moment];
  const people = range(population.users);
  await fill(
    'users',
    'id, email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at',
    people.map((i) => [i + 1, `person${i}@example.com`, 'nobody knows', ...name]),
  );
  await fill(
    'sessions',
    'id, user_id, device, created_at, expires_at',
    range(population.sockets).map((i) => [i + 1, i + 1, 'bench', moment, toMoment(expires)]),
  );

  const rooms = 1 + Math.ceil(population.background / ROOM_OF);
  const sizeOf = (room: number): number => (room === 0 ? population.history : ROOM_OF);
  const pairOf = (room: number): [number, number] =>
    room === 0
      ? [1, 2]
      : [population.users - 2 * ((room - 1) % Math.floor(population.users / 4)) - 1, population.users];
  const groupIds = range(population.groups).map((i) => rooms + i + 1);
  await fill('conversations', 'id, kind, last_seq, last_message_at, created_at', [
    ...range(rooms).map((i) => [i + 1, 'room', sizeOf(i), sizeOf(i) ? moment : null, moment]),
    ...groupIds.map((id) => [id, 'group', 0, null, moment]),
  ]);
  const isNew = new Set<string>();
  const pairs = range(rooms).map((room) => {
    // Each pair once: later rooms move on to other partners.
    let [low, high] = pairOf(room);
    while (isNew.has(`${low}:${high}`)) high -= 1;
    isNew.add(`${low}:${high}`);
    return [Math.min(low, high), Math.max(low, high)];
  });
  await fill(
    'chat_rooms',
    'conversation_id, user_low, user_high',
    pairs.map(([low, high], i) => [i + 1, low, high]),
  );
  await fill(
    'chat_groups',
    'conversation_id, name, owner_id, is_private, member_count',
    groupIds.map((id) => [id, `Group ${id}`, 1, 0, population.membersPerGroup]),
  );
  await fill('members', 'conversation_id, user_id, last_read_seq, joined_at', [
    ...pairs.flatMap(([low, high], i) => [
      [i + 1, low, 0, moment],
      [i + 1, high, 0, moment],
    ]),
    // Round robin, so that everybody is in as many groups as everybody else.
    ...groupIds.flatMap((id, group) =>
      range(population.membersPerGroup).map((i) => [
        id,
        ((group * population.membersPerGroup + i) % population.sockets) + 1,
        0,
        moment,
      ]),
    ),
  ]);
  function* messages(): Generator<(string | number | null)[]> {
    for (let room = 0; room < rooms; room++) {
      const size = sizeOf(room);
      for (let seq = 1; seq <= size; seq++)
        yield [room + 1, seq, pairs[room][seq % 2], TEXT, past(size - seq), `seed-${seq}`];
    }
  }
  await fill('messages', 'conversation_id, seq, sender_id, body, created_at, client_id', messages());
  await database.destroy();

  const tokens = new AccessTokens(SECRET);
  return {
    tokens: range(population.sockets).map((i) => tokens.sign({ userId: i + 1, sessionId: i + 1 }, expires)),
    historyRoomId: 1,
    groupIds,
  };
}
