import { Injectable } from '@nestjs/common';
import type { Identity } from '../common/identity.js';
import { EVERYONE } from '../conversations/mention.entity.js';
import { isOfOthers } from '../conversations/mentions.js';
import { parseUntil } from '../conversations/page.dto.js';
import { inTuples, momentToIso, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { MENTIONS_PAGE, type MentionView } from './dto/mentions.dto.js';

interface Place {
  conversation_id: number;
  seq: number;
  /** When the message was sent, as a moment of the protocol: these sort as texts. */
  at: string;
}

interface Row {
  conversation_id: number;
  seq: number;
  kind: 'room' | 'group';
  sender_id: number;
  body: string;
}

/** One more than a page, to see whether the page ends between two messages of one moment. */
const FOUND = MENTIONS_PAGE + 1;

/** Messages that name a user, in all of their chats. */
@Injectable()
export class MentionsService {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /**
   * The newest messages of others that name the caller or everyone, or answer one of the caller's: at most 100, newest first, before a moment where one
   * is given. Only chats that they are a member of now.
   */
  async list({ userId }: Identity, until?: string): Promise<MentionView[]> {
    const before = until == null ? undefined : toMoment(parseUntil(until)!);
    const found = [...(await this.ofUser(userId, before)), ...(await this.ofEveryone(userId, before))];
    const places = new Map(found.map((place) => [`${place.conversation_id}:${place.seq}`, place]));
    const newest = [...places.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
    return this.views(wholeMoments(newest));
  }

  private async ofUser(userId: number, before: string | undefined): Promise<Place[]> {
    const { sql, values } = until(before, 'x');
    return this.places(
      `SELECT x.conversation_id, x.seq, x.created_at FROM mentions x
       JOIN members mine ON mine.conversation_id = x.conversation_id AND mine.user_id = x.user_id
       WHERE x.user_id = ? ${sql} ORDER BY x.created_at DESC LIMIT ${FOUND}`,
      [userId, ...values],
    );
  }

  /** Of each chat no more than a page of these is looked at. */
  private async ofEveryone(userId: number, before: string | undefined): Promise<Place[]> {
    const [mine, first] = [until(before, 'x'), until(before, 'y')];
    return this.places(
      `SELECT x.conversation_id, x.seq, x.created_at FROM members mine
       JOIN mentions x ON x.conversation_id = mine.conversation_id AND x.user_id = ${EVERYONE}
         AND x.seq >= COALESCE((SELECT y.seq FROM mentions y
           WHERE y.conversation_id = mine.conversation_id AND y.user_id = ${EVERYONE} ${first.sql}
             AND ${isOfOthers('y', 'mine.user_id')}
           ORDER BY y.seq DESC LIMIT 1 OFFSET ${FOUND - 1}), 0)
       WHERE mine.user_id = ? ${mine.sql} AND ${isOfOthers('x', 'mine.user_id')}
       ORDER BY x.created_at DESC LIMIT ${FOUND}`,
      [...first.values, userId, ...mine.values],
    );
  }

  private async places(sql: string, values: (string | number)[]): Promise<Place[]> {
    const rows = await this.unitOfWork.read.query<
      { conversation_id: number; seq: number; created_at: string | Date }[]
    >(sql, values);
    return rows.map(({ conversation_id, seq, created_at }) => ({ conversation_id, seq, at: momentToIso(created_at) }));
  }

  private async views(places: readonly Place[]): Promise<MentionView[]> {
    if (places.length === 0) return [];
    const { read } = this.unitOfWork;
    const { sql, values } = inTuples(
      read,
      'm.conversation_id, m.seq',
      places.map(({ conversation_id, seq }) => [conversation_id, seq]),
    );
    // What was deleted since the mentions were read has no text any more, and is left out.
    const rows = await read.query<Row[]>(
      `SELECT m.conversation_id, m.seq, m.sender_id, m.body, c.kind FROM messages m
       JOIN conversations c ON c.id = m.conversation_id WHERE ${sql} AND m.deleted_at IS NULL AND c.kind <> 'gone'`,
      values,
    );
    const found = new Map(rows.map((row) => [`${row.conversation_id}:${row.seq}`, row]));
    return places.flatMap(({ conversation_id: id, seq, at }): MentionView[] => {
      const row = found.get(`${id}:${seq}`);
      if (!row) return [];
      const chat = row.kind === 'room' ? { chat_room_id: id } : { chat_group_id: id };
      return [{ chat_type: row.kind, ...chat, seq, user_id: row.sender_id, message: row.body, timestamp: at }];
    });
  }
}

const until = (before: string | undefined, mentions: string) =>
  before === undefined ? { sql: '', values: [] } : { sql: `AND ${mentions}.created_at < ?`, values: [before] };

/**
 * A page that does not end between messages of one moment, in several chats: the page before it, which is asked for by that moment, would lack
 * the others.
 */
function wholeMoments(newest: readonly Place[]): readonly Place[] {
  if (newest.length < FOUND) return newest;
  const page = newest.slice(0, MENTIONS_PAGE);
  const next = newest[MENTIONS_PAGE]!.at;
  const whole = page.filter(({ at }) => at !== next);
  return whole.length > 0 ? whole : page;
}
