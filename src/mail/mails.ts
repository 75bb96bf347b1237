/*
 * Every mail that Parley sends, as plain content. How it looks, in text and in HTML, is `layout.ts`'s business: nothing here
 * is escaped, and nothing needs to be.
 */

export interface MailContent {
  /** One line, ours alone: never made from what somebody typed. */
  subject: string;
  paragraphs: string[];
  /** The one thing to do. */
  action: { label: string; link: string };
  footer: string;
}

// Without the name: whoever registers chooses it, and may have chosen the address of somebody else to send it to.
export const confirmRegistration = (given: { link: string; appUrl: string }): MailContent => ({
  subject: 'Confirm your Parley account',
  paragraphs: ['Hello,', 'open this link within 24 hours to create your account, then log in:'],
  action: { label: 'Create my account', link: given.link },
  footer:
    `Somebody registered this address at ${given.appUrl}. If it was not you, do nothing: without the link there is no account. ` +
    'Should your mail system have opened the link by itself, register this address once more: the mail that comes then says how to take the account over.',
});

export const addressIsTaken = (given: { appUrl: string }): MailContent => ({
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
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'the password of your account was changed just now, and all your other sessions were ended.',
  ],
  action: { label: 'Go to Parley', link: given.appUrl },
  footer: isItYou(given.appUrl),
});

export const passwordWasReset = (given: { firstName: string; appUrl: string }): MailContent => ({
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'a new password was set with a link from a mail to this address just now, and all sessions of your account were ended.',
  ],
  action: { label: 'Go to Parley', link: given.appUrl },
  footer: isItYou(given.appUrl),
});
