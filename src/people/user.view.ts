import { ApiProperty } from '@nestjs/swagger';
import type { User } from '../identity/user.entity.js';
import { PersonView } from './person.view.js';

/** A row in the list of users. */
export class UserView extends PersonView {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When they last went offline; null: never yet',
  })
  last_seen!: string | null;
}

/** The columns that the view shows. */
export const LISTED = { id: true, firstName: true, lastName: true, lastSeen: true } as const;

export type Listed = Pick<User, keyof typeof LISTED>;

export const toUserView = ({ id, firstName, lastName, lastSeen }: Listed, isOnline: boolean): UserView => ({
  id,
  first_name: firstName,
  last_name: lastName,
  is_online: isOnline,
  last_seen: lastSeen?.toISOString() ?? null,
});

/** The same, as a user sees it whom they have blocked: always offline. */
export const toHiddenView = (user: Listed): UserView => ({ ...toUserView(user, false), last_seen: null });
