import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Identity } from '../common/identity.js';

/** What somebody may do beside what everybody may, the least first: a moderator settles reports, an admin looks after the whole server. */
export const ROLES = ['person', 'moderator', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** Who acts: somebody with a session, or whoever may use the command line on the server's machine, and needs no role. */
export type Actor = Identity | 'console';

export const isAtLeast = (role: Role, least: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(least);

export const roleOf = ({ role }: { role: Exclude<Role, 'person'> | null }): Role => role ?? 'person';

/** What a route asks of its caller. */
export interface RoleNeeded {
  role: Exclude<Role, 'person'>;
  /** Whether the session has to be elevated, by `POST /http/admin/elevate`. */
  isElevated: boolean;
}

export const NEEDS_ROLE = 'parley:needs-role';

/** All routes of a controller, or one of them, are for this role and those above it, and for an elevated session. */
export const NeedsRole = (role: RoleNeeded['role'], { isElevated = true }: Partial<RoleNeeded> = {}) =>
  SetMetadata(NEEDS_ROLE, { role, isElevated } satisfies RoleNeeded);

/** Who asks for what `@NeedsRole()`. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor => context.switchToHttp().getRequest<{ actor: Actor }>().actor,
);
