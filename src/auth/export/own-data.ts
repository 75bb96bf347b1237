import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/timing/clock.js';
import { listedSettings, settingsColumns, type SettingsRow } from '../../conversations/member-settings.js';
import { momentToIso } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { User } from '../../identity/user.entity.js';
import { ownChats, ownMessages } from './own-messages.js';
import { README } from './readme.js';
import { asLines, asList, rowPages } from './row-pages.js';
import type { ZippedFile } from './zip-parts.js';

type Moment = string | Date;

interface ChatRow extends SettingsRow {
  id: number;
  kind: string;
  last_seq: number;
  last_read_seq: number;
  joined_at: Moment;
  group_name: string | null;
  other_id: number | null;
  first_name: string | null;
  last_name: string | null;
}

const iso = (moment: Moment | null): string | null => (moment === null ? null : momentToIso(moment));

/** What is a person's own, as the files of their export. Texts of others are in none of them. */
@Injectable()
export class OwnData {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  filesOf(userId: number): ZippedFile[] {
    return [
      { name: 'README.txt', texts: () => once(README) },
      { name: 'profile.json', texts: () => this.profile(userId) },
      { name: 'sessions.json', texts: () => asList(this.sessions(userId)) },
      { name: 'chats.json', texts: () => asList(this.chats(userId)) },
      { name: 'messages.jsonl', texts: () => asLines(this.messages(userId)) },
      { name: 'reactions.jsonl', texts: () => asLines(this.reactions(userId)) },
      { name: 'blocks.json', texts: () => asList(this.blocks(userId)) },
      { name: 'groups.json', texts: () => asList(this.groups(userId)) },
    ];
  }

  private get read() {
    return this.unitOfWork.read;
  }

  private async *profile(userId: number): AsyncGenerator<string> {
    const user = await this.read.findOneByOrFail(User, { id: userId });
    const profile = {
      id: user.id,
      email: user.email,
      first_name: user.firstName,
      last_name: user.lastName,
      created_at: user.createdAt.toISOString(),
      last_seen: user.lastSeen?.toISOString() ?? null,
      role: user.role ?? 'person',
    };
    yield `${JSON.stringify(profile, undefined, 2)}\n`;
  }

  private async *sessions(userId: number): AsyncGenerator<object[]> {
    type Row = { id: number; device: string; created_at: Moment; expires_at: Moment; revoked_at: Moment | null };
    const pages = rowPages<Row>((last, size) =>
      this.read.query(
        `SELECT id, device, created_at, expires_at, revoked_at FROM sessions WHERE user_id = ? AND id > ? ORDER BY id LIMIT ${size}`,
        [userId, last?.id ?? 0],
      ),
    );
    for await (const page of pages)
      yield page.map(({ id, device, created_at, expires_at, revoked_at }) => ({
        id,
        device,
        created_at: iso(created_at),
        expires_at: iso(expires_at),
        ended_at: iso(revoked_at),
      }));
  }

  private async *chats(userId: number): AsyncGenerator<object[]> {
    const pages = rowPages<ChatRow>((last, size) =>
      this.read.query(
        `SELECT c.id, c.kind, c.last_seq, m.last_read_seq, m.joined_at, g.name AS group_name,
           o.id AS other_id, o.first_name, o.last_name, ${settingsColumns('m')}
         FROM members m JOIN conversations c ON c.id = m.conversation_id
         LEFT JOIN chat_groups g ON g.conversation_id = c.id
         LEFT JOIN chat_rooms r ON r.conversation_id = c.id
         LEFT JOIN users o ON o.id = CASE WHEN r.user_low = m.user_id THEN r.user_high ELSE r.user_low END
         WHERE m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ${size}`,
        [userId, last?.id ?? 0],
      ),
    );
    for await (const page of pages)
      yield page.map((row) => ({
        chat: row.id,
        kind: row.kind,
        ...(row.group_name !== null && { group_name: row.group_name }),
        ...(row.other_id !== null && {
          other_user: { id: row.other_id, first_name: row.first_name, last_name: row.last_name },
        }),
        since: iso(row.joined_at),
        last_seq: row.last_seq,
        last_read_seq: row.last_read_seq,
        settings: listedSettings(row, this.clock.now()),
      }));
  }

  private async *messages(userId: number): AsyncGenerator<object[]> {
    for await (const chats of ownChats(this.read, userId))
      for (const chat of chats) yield* ownMessages(this.read, userId, chat);
  }

  private async *reactions(userId: number): AsyncGenerator<object[]> {
    type Row = { seq: number; emoji: string };
    for await (const chats of ownChats(this.read, userId))
      for (const { id } of chats) {
        const pages = rowPages<Row>((last, size) =>
          this.read.query(
            `SELECT seq, emoji FROM reactions WHERE conversation_id = ? AND user_id = ? AND seq >= ?
             AND (seq > ? OR emoji > ?) ORDER BY seq, emoji LIMIT ${size}`,
            [id, userId, last?.seq ?? 0, last?.seq ?? 0, last?.emoji ?? ''],
          ),
        );
        for await (const page of pages) yield page.map(({ seq, emoji }) => ({ chat: id, seq, emoji }));
      }
  }

  private async *blocks(userId: number): AsyncGenerator<object[]> {
    type Row = { id: number; first_name: string; last_name: string; created_at: Moment };
    const pages = rowPages<Row>((last, size) =>
      this.read.query(
        `SELECT b.blocked_id AS id, u.first_name, u.last_name, b.created_at FROM blocks b JOIN users u ON u.id = b.blocked_id
         WHERE b.blocker_id = ? AND b.blocked_id > ? ORDER BY b.blocked_id LIMIT ${size}`,
        [userId, last?.id ?? 0],
      ),
    );
    for await (const page of pages) yield page.map((row) => ({ ...row, created_at: iso(row.created_at) }));
  }

  private async *groups(userId: number): AsyncGenerator<object[]> {
    type Row = { chat: number; name: string; is_private: unknown; member_count: number; created_at: Moment };
    // An owner is a member.
    const pages = rowPages<Row>((last, size) =>
      this.read.query(
        `SELECT g.conversation_id AS chat, g.name, g.is_private, g.member_count, c.created_at
         FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id AND g.owner_id = m.user_id
         JOIN conversations c ON c.id = g.conversation_id
         WHERE m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ${size}`,
        [userId, last?.chat ?? 0],
      ),
    );
    for await (const page of pages)
      yield page.map((row) => ({ ...row, is_private: Boolean(row.is_private), created_at: iso(row.created_at) }));
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
