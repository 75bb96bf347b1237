import { ERASED_NAME } from '../identity/user.entity.js';
import type { ChatRule } from './chat-rules.js';
import { finding } from './finding.js';

/** Of reports, by who sent the message. */
const REPORTS: readonly ChatRule[] = [
  {
    sql: `SELECT r.id AS report, r.reported_id AS user FROM reports r LEFT JOIN users u ON u.id = r.reported_id
          WHERE r.reported_id BETWEEN ? AND ? AND u.id IS NULL`,
    finding: (row) =>
      finding('orphan', `report ${row['report']}`, `It is about user ${row['user']}, of whom there is none.`),
  },
  {
    sql: `SELECT r.id AS report FROM reports r LEFT JOIN users u ON u.id = r.reporter_id
          WHERE r.reported_id BETWEEN ? AND ? AND (r.reporter_id IS NULL AND r.note IS NOT NULL OR u.erased_at IS NOT NULL)`,
    finding: (row) =>
      finding(
        'forgotten',
        `report ${row['report']}`,
        'Who made it has erased their account, and their name or note is there.',
      ),
  },
  {
    sql: `SELECT r.id AS report FROM reports r WHERE r.reported_id BETWEEN ? AND ?
          AND ((r.status = 'open') <> (r.settled_at IS NULL) OR (r.status = 'open') <> (r.action IS NULL))`,
    finding: (row) =>
      finding(
        'report',
        `report ${row['report']}`,
        'What it says of how and when it was settled does not fit its status.',
      ),
  },
  {
    sql: `SELECT r.id AS report, r.conversation_id AS chat, r.seq FROM reports r
          JOIN conversations c ON c.id = r.conversation_id AND c.kind = r.kind
          JOIN messages m ON m.conversation_id = r.conversation_id AND m.seq = r.seq
          WHERE r.reported_id BETWEEN ? AND ? AND r.action = 'delete_message' AND m.deleted_at IS NULL`,
    finding: (row) =>
      finding(
        'forgotten',
        `message ${row['seq']} of chat ${row['chat']}`,
        `Report ${row['report']} has deleted it, and it is there.`,
      ),
  },
  {
    sql: `SELECT x.report_id AS report, COUNT(*) AS n FROM report_messages x LEFT JOIN reports r ON r.id = x.report_id
          WHERE x.sender_id BETWEEN ? AND ? AND r.id IS NULL GROUP BY x.report_id`,
    finding: (row) =>
      finding(
        'forgotten',
        `report ${row['report']}`,
        `There is no such report. Copies of messages for it: ${row['n']}.`,
      ),
  },
];

/** Of invitations, by their own ids: the pages hold every id. */
const INVITES: readonly ChatRule[] = [
  {
    sql: `SELECT i.id AS invite, i.uses AS n, i.max_uses AS most FROM invites i
          WHERE i.id BETWEEN ? AND ? AND i.uses > i.max_uses`,
    finding: (row) =>
      finding('invite', `invitation ${row['invite']}`, `It has made ${row['n']} accounts; it may make ${row['most']}.`),
  },
  {
    sql: `SELECT i.id AS invite, i.created_by AS user FROM invites i LEFT JOIN users u ON u.id = i.created_by
          WHERE i.id BETWEEN ? AND ? AND i.created_by IS NOT NULL AND (u.id IS NULL OR u.erased_at IS NOT NULL)`,
    finding: (row) =>
      finding(
        'forgotten',
        `invitation ${row['invite']}`,
        `User ${row['user']} has made it, whose account is erased, or never was.`,
      ),
  },
];

/** The same for users: the parameters are the first and the last id of a page of them. */
export const USER_RULES: readonly ChatRule[] = [
  {
    sql: `SELECT u.id AS user FROM users u WHERE u.id BETWEEN ? AND ? AND u.erased_at IS NOT NULL
          AND (u.email <> CONCAT('erased:', u.id) OR u.first_name <> '${ERASED_NAME.firstName}'
            OR u.last_name <> '${ERASED_NAME.lastName}' OR u.password_hash <> '')`,
    finding: (row) =>
      finding('forgotten', `user ${row['user']}`, 'The account is erased, and its address, name or password is there.'),
  },
  ...['sessions', 'replaced_passwords', 'password_resets', 'email_links', 'exports', 'registrations', 'bot_chats'].map(
    (table): ChatRule => ({
      sql: `SELECT u.id AS user, COUNT(*) AS n FROM users u JOIN ${table} x ON x.user_id = u.id
            WHERE u.id BETWEEN ? AND ? AND u.erased_at IS NOT NULL GROUP BY u.id`,
      finding: (row) =>
        finding('forgotten', `user ${row['user']}`, `The account is erased. Its rows in ${table}: ${row['n']}.`),
    }),
  ),
  {
    // A session of theirs that lives would let them in again.
    sql: `SELECT u.id AS user, COUNT(*) AS n FROM users u JOIN sessions s ON s.user_id = u.id
          WHERE u.id BETWEEN ? AND ? AND u.suspended_at IS NOT NULL AND s.revoked_at IS NULL AND s.expires_at > u.suspended_at
          GROUP BY u.id`,
    finding: (row) =>
      finding(
        'suspended',
        `user ${row['user']}`,
        `They are suspended. Their sessions that have not ended: ${row['n']}.`,
      ),
  },
  {
    sql: `SELECT u.id AS user, COUNT(*) AS n FROM users u JOIN exports x ON x.user_id = u.id
          WHERE u.id BETWEEN ? AND ? AND u.suspended_at IS NOT NULL AND x.state IN ('waiting', 'ready') GROUP BY u.id`,
    finding: (row) =>
      finding(
        'suspended',
        `user ${row['user']}`,
        `They are suspended. Their exports that somebody could still get: ${row['n']}.`,
      ),
  },
  ...REPORTS,
  ...INVITES,
];
