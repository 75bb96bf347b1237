/*
 * Every mail that Parley sends, as plain content. How it looks, in text and in HTML, is `layout.ts`'s business: nothing here
 * is escaped, and nothing needs to be.
 */

/** Which mails leave first: the lowest rank. A new kind of mail names one of these, or adds its own. */
export const RANKS = { security: 0, password: 1, registration: 2 } as const;

export type MailKind = keyof typeof RANKS;

/** What a row of the outbox holds, sealed. */
export interface Letter {
  /** Null: to nobody. */
  to: string | null;
  mail: MailContent;
}

export interface MailContent {
  kind: MailKind;
  /** One line, ours alone: never made from what somebody typed. */
  subject: string;
  paragraphs: string[];
  /** The one thing to do. */
  action: { label: string; link: string };
  footer: string;
}

const ONE_WORD = /^[\p{L}\p{M}\p{N}'’\p{Join_Control}-]{1,24}$/u;

/**
 * Whoever registers chooses the name, and may have chosen the address of somebody else to send it to. So that it carries no message
 * and no link, it is the first word, and only where that is a short one.
 */
function asName(firstName: string): string {
  const [word = ''] = firstName.trim().split(/\s+/u);
  return ONE_WORD.test(word) ? `the name ${word}` : 'a name that is not shown here, since it is more than a word';
}

export const confirmRegistration = (given: { link: string; appUrl: string; firstName: string }): MailContent => ({
  kind: 'registration',
  subject: 'Confirm your Parley account',
  paragraphs: [
    'Hello,',
    `somebody registered this address under ${asName(given.firstName)}. If it was you, open this link within 24 hours to create your account, then log in with the password that you chose:`,
  ],
  action: { label: 'Create my account', link: given.link },
  footer:
    `Sent because of a registration at ${given.appUrl}. If it was not you, do nothing: without the link there is no account, ` +
    'and with it the account has the password of whoever registered. Should your mail system have opened the link by itself, ' +
    'register this address once more: the mail that comes then says how to take the account over.',
});

/** To an address for which somebody asked for a new link without the password of a registration. */
export const registrationWaits = (given: { appUrl: string }): MailContent => ({
  kind: 'registration',
  subject: 'Your registration at Parley',
  paragraphs: [
    'Hello,',
    'somebody, perhaps you, asked for a new link for a registration of this address. One is sent only to those who know the password ' +
      'that was chosen, since anybody can register an address. Open the last link that you have: where it has expired, its page sends you a new one. Or register again.',
  ],
  action: { label: 'Go to Parley', link: given.appUrl },
  footer: `Sent because of a registration at ${given.appUrl}. If it was not you, do nothing: without a link there is no account.`,
});

export const addressIsTaken = (given: { appUrl: string }): MailContent => ({
  kind: 'registration',
  subject: 'You have a Parley account already',
  paragraphs: [
    'Hello,',
    'somebody, perhaps you, tried to register this address. It has an account already: log in with it. If you do not know its password, set a new one:',
  ],
  action: { label: 'Set a new password', link: `${given.appUrl}/http/password/forgot` },
  footer:
    `Sent because of a registration at ${given.appUrl}. If it was not you, nothing has happened and nothing needs to be done. ` +
    'If you never made that account, set a new password: whoever made it is logged out for good, and it is yours.',
});

export const resetPassword = (given: { link: string; appUrl: string }): MailContent => ({
  kind: 'password',
  subject: 'Set a new Parley password',
  paragraphs: [
    'Hello,',
    'open this link within an hour to choose a new password. It ends all sessions of your account.',
  ],
  action: { label: 'Choose a new password', link: given.link },
  footer:
    `Somebody, perhaps you, asked for this at ${given.appUrl}. If it was not you, do nothing: ` +
    'your password stays as it is, and nobody else has the link.',
});

const isItYou = (appUrl: string): string =>
  'If it was not you, somebody else knows your password or reads your mail: ' +
  `secure your mailbox, then set a new password at ${appUrl}/http/password/forgot.`;

export const passwordChanged = (given: { firstName: string; appUrl: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'the password of your account was changed just now, and all your other sessions were ended.',
  ],
  action: { label: 'Go to Parley', link: given.appUrl },
  footer: isItYou(given.appUrl),
});

export const passwordWasReset = (given: { firstName: string; appUrl: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'a new password was set with a link from a mail to this address just now, and all sessions of your account were ended.',
  ],
  action: { label: 'Go to Parley', link: given.appUrl },
  footer: isItYou(given.appUrl),
});

export const passwordReplaced = (given: { firstName: string; link: string; appUrl: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'a new password was set for your account just now, and all your other sessions were ended. Whoever did it was logged in, and was not asked for the password until then.',
    'If it was not you, open this link within 72 hours and press the button: the password until then is yours again, and all sessions end.',
  ],
  action: { label: 'It was not me', link: given.link },
  footer: `If it was you, do nothing. Sent by ${given.appUrl}.`,
});

export const passwordRestored = (given: { firstName: string; appUrl: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was taken back',
  paragraphs: [
    `Hello ${given.firstName},`,
    'with a link from a mail to this address, the former password of your account was made the valid one again just now, and all sessions were ended.',
    'If somebody else may know that password, too, set a new one:',
  ],
  action: { label: 'Set a new password', link: `${given.appUrl}/http/password/forgot` },
  footer: isItYou(given.appUrl),
});
