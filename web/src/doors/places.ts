import type { Route } from '../router.js';

const DOORS: ReadonlySet<Route['at']> = new Set(['login', 'register', 'mail', 'welcome', 'forgot', 'reset']);

/** Whether it is a page for those who are not signed in. */
export const isDoor = ({ at }: Route): boolean => DOORS.has(at);
