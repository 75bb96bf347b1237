import { EVERYONE } from '../conversations/mention.entity.js';
import { type Finding, finding } from './finding.js';

/** Numbers, mostly: the columns that a rule selects. */
export type Row = Record<string, number | string | null>;

/**
 * A statement that finds faults in the chats of a page, which has no row where all is well; and a sentence for each row. Its parameters are the
 * first and the last id of the page. The same on all databases.
 */
export interface ChatRule {
  sql: string;
  finding: (row: Row) => Finding;
  /** A further statement for a row that was found, whose columns are added to it; its parameter is the row's chat. */
  more?: string;
}

/** What a chat that has ended still holds is being deleted. `c` is the chat's row. */
const ALIVE = `c.id BETWEEN ? AND ?
  AND NOT EXISTS (SELECT 1 FROM deleted_conversations d WHERE d.conversation_id = c.id)`;

/** The reactions to this message are being deleted. */
const notBeingRemoved = (table: string): string =>
  `NOT EXISTS (SELECT 1 FROM deleted_reactions g WHERE g.conversation_id = ${table}.conversation_id AND g.seq = ${table}.seq)`;

const chat = ({ chat: id }: Row): string => `chat ${id}`;
const message = (row: Row): string => `message ${row['seq']} of chat ${row['chat']}`;

/** Rows of a chat of which there is no row any more. They are deleted before it. */
const withoutChat = (table: string): ChatRule => ({
  sql: `SELECT x.conversation_id AS chat, COUNT(*) AS n FROM ${table} x
        LEFT JOIN conversations c ON c.id = x.conversation_id
        WHERE x.conversation_id BETWEEN ? AND ? AND c.id IS NULL GROUP BY x.conversation_id`,
  finding: (row) => finding('orphan', chat(row), `There is no such chat. Its rows in ${table}: ${row['n']}.`),
});

/** Tables with rows of chats. Where a foreign key refuses such a row, none needs to be looked for. */
const PARTS = [
  'members',
  'messages',
  'message_changes',
  'mentions',
  'reactions',
  'reaction_totals',
  'bot_questions',
  'consumer_marks',
  'deleted_reactions',
];

/** A row that names a user of whom there is none. `0` is nobody: the bot, or everyone. */
const unknownUser = (table: string, column: string): ChatRule => ({
  sql: `SELECT x.conversation_id AS chat, x.${column} AS user, COUNT(*) AS n FROM conversations c
        JOIN ${table} x ON x.conversation_id = c.id LEFT JOIN users u ON u.id = x.${column}
        WHERE ${ALIVE} AND x.${column} <> ${EVERYONE} AND u.id IS NULL GROUP BY x.conversation_id, x.${column}`,
  finding: (row) =>
    finding('orphan', chat(row), `Rows in ${table} name user ${row['user']}, of whom there is none: ${row['n']}.`),
});

const numbers: readonly ChatRule[] = [
  {
    sql: `SELECT c.id AS chat, c.last_seq AS said, COUNT(m.seq) AS n, MIN(m.seq) AS first, MAX(m.seq) AS last
          FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id WHERE ${ALIVE}
          GROUP BY c.id, c.last_seq
          HAVING COUNT(m.seq) <> c.last_seq OR COALESCE(MAX(m.seq), 0) <> c.last_seq OR COALESCE(MIN(m.seq), 1) <> 1`,
    more: `SELECT MIN(a.seq) + 1 AS missing FROM messages a WHERE a.conversation_id = ? AND NOT EXISTS
           (SELECT 1 FROM messages b WHERE b.conversation_id = a.conversation_id AND b.seq = a.seq + 1)`,
    finding: (row) => {
      const held =
        row['n'] === 0
          ? 'It has no messages'
          : `Its messages are ${row['first']} to ${row['last']}, ${row['n']} in all`;
      const missing = Number(row['first'] ?? 1) > 1 ? 1 : (row['missing'] ?? 1);
      const first =
        Number(missing) <= Math.max(Number(row['said']), Number(row['last'])) ? ` ${missing} is missing.` : '';
      return finding('gap', chat(row), `${held}; its last_seq is ${row['said']}.${first}`);
    },
  },
  {
    sql: `SELECT c.id AS chat, COALESCE(c.last_change, 0) AS said, COALESCE(MAX(x.change_seq), 0) AS last
          FROM conversations c LEFT JOIN message_changes x ON x.conversation_id = c.id WHERE ${ALIVE}
          GROUP BY c.id, c.last_change HAVING COALESCE(c.last_change, 0) <> COALESCE(MAX(x.change_seq), 0)`,
    finding: (row) =>
      finding('change', chat(row), `Its last change is ${row['last']}; its last_change is ${row['said']}.`),
  },
  {
    sql: `SELECT c.id AS chat, m.seq, m.change_seq AS number FROM conversations c
          JOIN messages m ON m.conversation_id = c.id
          LEFT JOIN message_changes x ON x.conversation_id = c.id AND x.change_seq = m.change_seq AND x.seq = m.seq
          WHERE ${ALIVE} AND m.change_seq IS NOT NULL AND x.seq IS NULL`,
    finding: (row) =>
      finding('change', message(row), `Its change ${row['number']} is not among the changes of the chat.`),
  },
  {
    sql: `SELECT c.id AS chat, x.seq, x.change_seq AS number FROM conversations c
          JOIN message_changes x ON x.conversation_id = c.id
          LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = x.seq AND m.change_seq = x.change_seq
          WHERE ${ALIVE} AND m.seq IS NULL`,
    finding: (row) =>
      finding(
        'change',
        message(row),
        `Change ${row['number']} of the chat is one of it, and the message does not say so.`,
      ),
  },
  {
    sql: `SELECT c.id AS chat, x.user_id AS user, x.last_read_seq AS mark, c.last_seq AS last FROM conversations c
          JOIN members x ON x.conversation_id = c.id
          WHERE ${ALIVE} AND (x.last_read_seq < 0 OR x.last_read_seq > c.last_seq)`,
    finding: (row) =>
      finding(
        'mark',
        chat(row),
        `User ${row['user']} has read up to ${row['mark']}; the last message is ${row['last']}.`,
      ),
  },
  {
    sql: `SELECT c.id AS chat, x.name, x.seq, x.change_seq AS number, c.last_seq AS last, COALESCE(c.last_change, 0) AS last_change
          FROM conversations c JOIN consumer_marks x ON x.conversation_id = c.id
          WHERE ${ALIVE} AND (x.seq > c.last_seq OR x.change_seq > COALESCE(c.last_change, 0))`,
    finding: (row) =>
      finding(
        'mark',
        chat(row),
        `The consumer ${row['name']} is at message ${row['seq']} and change ${row['number']}; the last ones are ${row['last']} and ${row['last_change']}.`,
      ),
  },
];

const members: readonly ChatRule[] = [
  {
    sql: `SELECT c.id AS chat, g.member_count AS said, COUNT(x.user_id) AS n FROM conversations c
          JOIN chat_groups g ON g.conversation_id = c.id LEFT JOIN members x ON x.conversation_id = c.id
          WHERE ${ALIVE} GROUP BY c.id, g.member_count HAVING COUNT(x.user_id) <> g.member_count`,
    finding: (row) => finding('members', chat(row), `Its member_count is ${row['said']}; a recount gives ${row['n']}.`),
  },
  {
    sql: `SELECT c.id AS chat, g.owner_id AS user FROM conversations c JOIN chat_groups g ON g.conversation_id = c.id
          LEFT JOIN members x ON x.conversation_id = c.id AND x.user_id = g.owner_id
          WHERE ${ALIVE} AND x.user_id IS NULL`,
    finding: (row) => finding('members', chat(row), `User ${row['user']} owns the group, and is no member of it.`),
  },
  {
    sql: `SELECT c.id AS chat, COUNT(x.user_id) AS n,
          SUM(CASE WHEN x.user_id IN (r.user_low, r.user_high) THEN 1 ELSE 0 END) AS theirs FROM conversations c
          JOIN chat_rooms r ON r.conversation_id = c.id LEFT JOIN members x ON x.conversation_id = c.id
          WHERE ${ALIVE} GROUP BY c.id HAVING COUNT(x.user_id) <> 2
          OR SUM(CASE WHEN x.user_id IN (r.user_low, r.user_high) THEN 1 ELSE 0 END) <> 2`,
    finding: (row) =>
      finding(
        'members',
        chat(row),
        `The room of two people has ${row['n']} members, of whom ${row['theirs'] ?? 0} are these two.`,
      ),
  },
  {
    sql: `SELECT c.id AS chat, c.kind FROM conversations c
          LEFT JOIN chat_rooms r ON r.conversation_id = c.id LEFT JOIN chat_groups g ON g.conversation_id = c.id
          LEFT JOIN bot_chats b ON b.conversation_id = c.id
          WHERE ${ALIVE} AND NOT (c.kind = 'room' AND r.conversation_id IS NOT NULL
            OR c.kind = 'group' AND g.conversation_id IS NOT NULL OR c.kind = 'bot' AND b.conversation_id IS NOT NULL)`,
    finding: (row) => finding('orphan', chat(row), `Its kind is ${row['kind']}, and the row of that kind is missing.`),
  },
  ...[
    ['members', 'user_id'],
    ['messages', 'sender_id'],
    ['mentions', 'user_id'],
    ['reactions', 'user_id'],
  ].map(([table, column]) => unknownUser(table!, column!)),
];

const contents: readonly ChatRule[] = [
  {
    sql: `SELECT c.id AS chat, m.seq FROM conversations c JOIN messages m ON m.conversation_id = c.id
          WHERE ${ALIVE} AND m.deleted_at IS NOT NULL AND (m.body <> '' OR m.extras IS NOT NULL)`,
    finding: (row) =>
      finding('forgotten', message(row), 'It is deleted, and its text or what it says beside it is there.'),
  },
  {
    sql: `SELECT c.id AS chat, r.seq, COUNT(*) AS n FROM conversations c JOIN reactions r ON r.conversation_id = c.id
          LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = r.seq
          WHERE ${ALIVE} AND (m.seq IS NULL OR m.deleted_at IS NOT NULL) AND ${notBeingRemoved('r')} GROUP BY c.id, r.seq`,
    finding: (row) => finding('forgotten', message(row), `It is deleted, or never was. Its reactions: ${row['n']}.`),
  },
  {
    sql: `SELECT c.id AS chat, x.seq, x.emoji, x.total AS said, COUNT(r.user_id) AS n FROM conversations c
          JOIN reaction_totals x ON x.conversation_id = c.id
          LEFT JOIN reactions r ON r.conversation_id = c.id AND r.seq = x.seq AND r.emoji = x.emoji
          WHERE ${ALIVE} AND ${notBeingRemoved('x')}
          GROUP BY c.id, x.seq, x.emoji, x.total HAVING COUNT(r.user_id) <> x.total`,
    finding: (row) =>
      finding('total', message(row), `The total of ${row['emoji']} is ${row['said']}; a recount gives ${row['n']}.`),
  },
  {
    sql: `SELECT c.id AS chat, r.seq, r.emoji, COUNT(*) AS n FROM conversations c
          JOIN reactions r ON r.conversation_id = c.id
          LEFT JOIN reaction_totals x ON x.conversation_id = c.id AND x.seq = r.seq AND x.emoji = r.emoji
          WHERE ${ALIVE} AND x.seq IS NULL AND ${notBeingRemoved('r')} GROUP BY c.id, r.seq, r.emoji`,
    finding: (row) =>
      finding('total', message(row), `There is no total of ${row['emoji']}; a recount gives ${row['n']}.`),
  },
];

/** The number in a message's extras of the message that it answers; null where it answers none. */
const ANSWERED = "CASE WHEN JSON_VALID(m.extras) THEN CAST(JSON_EXTRACT(m.extras, '$.reply_to') AS SIGNED) END";

const beside: readonly ChatRule[] = [
  {
    sql: `SELECT c.id AS chat, m.seq FROM conversations c JOIN messages m ON m.conversation_id = c.id
          WHERE ${ALIVE} AND m.extras IS NOT NULL AND NOT JSON_VALID(m.extras)`,
    finding: (row) => finding('extras', message(row), 'What it says beside its text cannot be read.'),
  },
  {
    sql: `SELECT c.id AS chat, m.seq, ${ANSWERED} AS answered FROM conversations c
          JOIN messages m ON m.conversation_id = c.id
          WHERE ${ALIVE} AND m.extras IS NOT NULL AND (${ANSWERED} < 1 OR ${ANSWERED} >= m.seq)`,
    finding: (row) => finding('extras', message(row), `It answers message ${row['answered']}, which cannot be.`),
  },
  {
    // A message names people by their ids in a list, everyone, and whoever wrote what it answers.
    sql: `SELECT c.id AS chat, x.seq, x.user_id AS user FROM conversations c
          JOIN mentions x ON x.conversation_id = c.id
          LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = x.seq
          LEFT JOIN messages a ON a.conversation_id = c.id AND a.seq = ${ANSWERED}
          WHERE ${ALIVE} AND (m.extras IS NULL OR m.deleted_at IS NOT NULL OR m.sender_id = x.user_id OR NOT (
            (x.user_id = ${EVERYONE} AND m.extras LIKE '%"everyone":true%')
            OR REPLACE(REPLACE(m.extras, '[', ','), ']', ',') LIKE CONCAT('%,', x.user_id, ',%')
            OR (COALESCE(a.sender_id, -1) = x.user_id AND m.extras NOT LIKE '%"is_silent":true%')))`,
    finding: (row) =>
      finding(
        'mention',
        message(row),
        `A row says that it names ${row['user'] === EVERYONE ? 'everyone' : `user ${row['user']}`}, and it does not, or is not there.`,
      ),
  },
];

export const CHAT_RULES: readonly ChatRule[] = [
  ...numbers,
  ...members,
  ...contents,
  ...beside,
  ...PARTS.map(withoutChat),
];
