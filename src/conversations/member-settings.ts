import { ApiPropertyOptional } from '@nestjs/swagger';
import { fromMoment } from '../database/dialect.js';
import { NOTIFY_LEVELS, type NotifyLevel } from '../sockets/events/chat-settings.js';

/** What nobody has to choose: every message to a person matters, and most of those to a group do not. */
export const DEFAULT_NOTIFY: Readonly<Record<'room' | 'group', NotifyLevel>> = { room: 'all', group: 'mentions' };

/** The columns of a member's row, as an SQL statement reads them. Null or 0 is what a membership begins with. */
export interface SettingsRow {
  notify: NotifyLevel | null;
  muted_until: string | Date | null;
  is_favourite: number | boolean | null;
  is_archived: number | boolean | null;
}

/** `members` is the table's alias in the statement. */
export const settingsColumns = (members: string): string =>
  ['notify', 'muted_until', 'is_favourite', 'is_archived'].map((column) => `${members}.${column}`).join(', ');

/** The settings of a chat in a list: each is missing where it is what a membership begins with. */
export class ListedSettings {
  @ApiPropertyOptional({
    enum: NOTIFY_LEVELS,
    description: 'Missing where it is `all` of a room, `mentions` of a group',
  })
  notify?: NotifyLevel;

  @ApiPropertyOptional({ format: 'date-time', description: 'Missing where the chat is not muted' })
  muted_until?: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true] })
  is_favourite?: true;

  @ApiPropertyOptional({ type: 'boolean', enum: [true] })
  is_archived?: true;
}

/** Until when a chat is muted; null where it is not. */
export function mutedUntil({ muted_until }: Pick<SettingsRow, 'muted_until'>, now: Date): string | null {
  if (muted_until === null) return null;
  const until = fromMoment(muted_until);
  return until > now ? until.toISOString() : null;
}

export function listedSettings(row: SettingsRow, now: Date): ListedSettings {
  const muted = mutedUntil(row, now);
  return {
    ...(row.notify !== null && { notify: row.notify }),
    ...(muted !== null && { muted_until: muted }),
    ...(Boolean(row.is_favourite) && { is_favourite: true as const }),
    ...(Boolean(row.is_archived) && { is_archived: true as const }),
  };
}
