import { signal } from '@preact/signals';
import { fragment } from '../router.js';

/*
 * The token of an invitation, from the link that leads to `/register#invite=…`. In this tab's memory, so that whoever looks at the login
 * first, or goes back to change their address, still has it.
 */

const kept = signal<string | undefined>(undefined);
/** Refused: whoever reloads the page is told again. */
const refused = new Set<string>();

/** Undefined where there is none, or where it was refused. */
export function invitation(): string | undefined {
  const given = fragment.value.get('invite')?.trim() || kept.value;
  if (given === undefined || refused.has(given)) return undefined;
  kept.value = given;
  return given;
}

/** The server does not take it. */
export function dropInvitation(token: string): void {
  refused.add(token);
  kept.value = undefined;
}
