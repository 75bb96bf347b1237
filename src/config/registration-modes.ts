/**
 * Who may register. open: everybody with an e-mail address; invite: whoever has an invitation; domains: whoever has an address in one of some
 * domains; closed: nobody. An invitation passes each of them.
 */
export const REGISTRATION_MODES = ['open', 'invite', 'domains', 'closed'] as const;

export type RegistrationMode = (typeof REGISTRATION_MODES)[number];
