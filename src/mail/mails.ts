/*
 * Every mail that Parley sends, as plain content. `layout.ts` makes text and HTML of it, and escapes it: nothing here needs to be.
 */

/** The order in which mails are sent: the lowest rank first. A new kind of mail uses one of these, or adds its own. */
export const RANKS = { security: 0, password: 1, registration: 2 } as const;

export type MailKind = keyof typeof RANKS;

/** What a row of the outbox holds, sealed. */
export interface Letter {
  /** Null: no recipient. */
  to: string | null;
  mail: MailContent;
}

export interface MailContent {
  kind: MailKind;
  /** One line, which never contains anything that a user has typed. */
  subject: string;
  paragraphs: string[];
  /** The button of the mail, where there is somewhere to go. */
  action?: { label: string; link: string };
  footer: string;
}

/** Where mails lead, beside their own links. */
export interface Places {
  /** The server, by the address that people know. */
  readonly home: string;
  /** Where they chat; undefined where the server has no pages for that, and knows of none. */
  readonly app: string | undefined;
  /** The page that asks for an address, and sends a link to a new password. */
  readonly forgot: string;
}

const toApp = ({ app }: Places): Pick<MailContent, 'action'> =>
  app === undefined ? {} : { action: { label: 'Go to Parley', link: app } };

const ONE_WORD = /^[\p{L}\p{M}\p{N}'’\p{Join_Control}-]{1,24}$/u;

/**
 * The name in a mail. It was chosen by the one who registered, perhaps with the address of another person: so that it cannot carry a message
 * or a link, only its first word is used, and only where that is short.
 */
function asName(firstName: string): string {
  const [word = ''] = firstName.trim().split(/\s+/u);
  return ONE_WORD.test(word) ? `the name ${word}` : 'a name that is not shown here, since it is more than a word';
}

export const confirmRegistration = (places: Places, given: { link: string; firstName: string }): MailContent => ({
  kind: 'registration',
  subject: 'Confirm your Parley account',
  paragraphs: [
    'Hello,',
    'open this link within 24 hours to create your account. Then log in with the password that you chose.',
  ],
  action: { label: 'Create my account', link: given.link },
  footer:
    `Somebody registered this address under ${asName(given.firstName)}. If it was not you, do nothing: without the link there is no account, ` +
    'and with it the account has the password of whoever registered. Should your mail system have opened the link by itself, ' +
    'register this address once more: the mail that comes then says how to take the account over. ' +
    `Sent because of a registration at ${places.home}.`,
});

/** To an address for which a new link was asked for without the password of a registration. */
export const registrationWaits = (places: Places): MailContent => ({
  kind: 'registration',
  subject: 'Your registration at Parley',
  paragraphs: [
    'Hello,',
    'somebody, perhaps you, asked for a new link for a registration of this address. One is sent only to those who know the password ' +
      'that was chosen, since anybody can register an address. Open the last link that you have: where it has expired, its page sends you a new one. Or register again.',
  ],
  ...toApp(places),
  footer: `Sent because of a registration at ${places.home}. If it was not you, do nothing: without a link there is no account.`,
});

export const addressIsTaken = (places: Places): MailContent => ({
  kind: 'registration',
  subject: 'You have a Parley account already',
  paragraphs: [
    'Hello,',
    'somebody, perhaps you, tried to register this address. It has an account already: log in with it. If you do not know its password, set a new one:',
  ],
  action: { label: 'Set a new password', link: places.forgot },
  footer:
    `Sent because of a registration at ${places.home}. If it was not you, nothing has happened and nothing needs to be done. ` +
    'If you never made that account, set a new password: whoever made it is logged out for good, and it is yours.',
});

export const resetPassword = (places: Places, given: { link: string }): MailContent => ({
  kind: 'password',
  subject: 'Set a new Parley password',
  paragraphs: [
    'Hello,',
    'open this link within an hour to choose a new password. It ends all sessions of your account.',
  ],
  action: { label: 'Choose a new password', link: given.link },
  footer:
    `Somebody, perhaps you, asked for this at ${places.home}. If it was not you, do nothing: ` +
    'your password stays as it is, and nobody else has the link.',
});

/** By an admin, or the command line. */
export const passwordReplacedByOperator = (places: Places, given: { link: string }): MailContent => ({
  kind: 'security',
  subject: 'Set a new Parley password',
  paragraphs: [
    'Hello,',
    'those who run this server have ended all sessions of your account, and its password is not valid any more. Open this link within an hour to choose a new one.',
  ],
  action: { label: 'Choose a new password', link: given.link },
  footer: `Where the link has expired, you get another at ${places.forgot}. Sent by ${places.home}.`,
});

/** To an address of ADMIN_EMAILS, once it has an account. */
export const becomeAdmin = (places: Places, given: { link: string }): MailContent => ({
  kind: 'security',
  subject: 'Become an admin of Parley',
  paragraphs: [
    'Hello,',
    'this address is named as that of an admin. Open this link within an hour and choose a password: from then on your account is an admin. All its sessions end, so that nobody else is logged in to it.',
  ],
  action: { label: 'Choose a password', link: given.link },
  footer: `Where the link has expired, you get another at ${places.forgot}. Sent by ${places.home}.`,
});

const isItYou = ({ forgot }: Places): string =>
  'If it was not you, somebody else knows your password or reads your mail: ' +
  `secure your mailbox, then set a new password at ${forgot}.`;

export const passwordChanged = (places: Places, given: { firstName: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'the password of your account was changed just now, and all your other sessions were ended.',
  ],
  ...toApp(places),
  footer: isItYou(places),
});

export const passwordWasReset = (places: Places, given: { firstName: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'a new password was set with a link from a mail to this address just now, and all sessions of your account were ended.',
  ],
  ...toApp(places),
  footer: isItYou(places),
});

export const passwordReplaced = (places: Places, given: { firstName: string; link: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was changed',
  paragraphs: [
    `Hello ${given.firstName},`,
    'a new password was set for your account just now, and all your other sessions were ended. Whoever did it was logged in, and was not asked for the password until then.',
    'If it was not you, open this link within 72 hours and press the button: the password until then is yours again, and all sessions end.',
  ],
  action: { label: 'It was not me', link: given.link },
  footer: `If it was you, do nothing. Sent by ${places.home}.`,
});

export const passwordRestored = (places: Places, given: { firstName: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley password was taken back',
  paragraphs: [
    `Hello ${given.firstName},`,
    'with a link from a mail to this address, the former password of your account was made the valid one again just now, and all sessions were ended.',
    'If somebody else may know that password, too, set a new one:',
  ],
  action: { label: 'Set a new password', link: places.forgot },
  footer: isItYou(places),
});

/** To an address that is to become an account's. */
export const confirmEmail = (places: Places, given: { link: string }): MailContent => ({
  // As those of registrations: whoever has an account can have them sent to anybody.
  kind: 'registration',
  subject: 'Confirm your new address at Parley',
  paragraphs: [
    'Hello,',
    'open this link within 24 hours and press the button: then this address is that of the account from which it was asked for.',
  ],
  action: { label: 'Use this address', link: given.link },
  footer: `Somebody, perhaps you, asked for this at ${places.home}. If it was not you, do nothing: nobody gets this address without the link.`,
});

/** In place of it, where the address is another account's, or set aside. */
export const emailIsTaken = (places: Places): MailContent => ({
  kind: 'registration',
  subject: 'This address cannot become that of a Parley account',
  paragraphs: [
    'Hello,',
    'somebody, perhaps you, wanted to make this address that of their account. That cannot be: it has an account already, had one until a few days ago, or is set aside by those who run the server.',
    'If you have an account with this address and do not know its password, set a new one:',
  ],
  action: { label: 'Set a new password', link: places.forgot },
  footer: `Sent by ${places.home}. If it was not you, nothing has happened and nothing needs to be done.`,
});

/** To the address that an account had until now. */
export const emailChanged = (places: Places, given: { link: string }): MailContent => ({
  kind: 'security',
  subject: 'Your Parley account has another address',
  paragraphs: [
    'Hello,',
    'your account was given another e-mail address just now. Whoever did it knew its password, and reads the mail of that address. Mails about the account go there from now on.',
    'If it was not you, open this link within 72 hours and press the button: this address is that of your account again, all sessions end, and you get a link to a new password.',
  ],
  action: { label: 'It was not me', link: given.link },
  footer: `If it was you, do nothing. Sent by ${places.home}.`,
});

/** To an address that an account had for a short time, before it got a former one again. */
export const emailLeft = (places: Places): MailContent => ({
  kind: 'security',
  subject: 'This address is no longer that of a Parley account',
  paragraphs: [
    'Hello,',
    'an account that had this address has a former one again since just now. Mails about the account go there, and this address does not lead to it any more.',
  ],
  footer: `If the account is yours and it was not you, somebody else reads the mail of your former address: ask those who run ${places.home}.`,
});

/** To an address that is an account's again. */
export const emailReturned = (places: Places, given: { link: string }): MailContent => ({
  kind: 'security',
  subject: 'Set a new Parley password',
  paragraphs: [
    'Hello,',
    'this address is that of your account again. All sessions were ended, and the password is not valid any more, since somebody else knew it. Open this link within an hour to choose a new one.',
  ],
  action: { label: 'Choose a new password', link: given.link },
  footer: `Where the link has expired, you get another at ${places.forgot}. Sent by ${places.home}.`,
});

/** To whoever has asked for an export of what is their own: themselves, or, where `byOperator`, those who run the server. */
export const exportReady = (places: Places, given: { link: string; byOperator: boolean }): MailContent => ({
  kind: 'password',
  subject: 'Your Parley export is ready',
  paragraphs: [
    'Hello,',
    'what is yours at Parley, your profile and all that you have written, is ready as a zip file. The link is good for 48 hours. Whoever has it gets the file, so pass this mail on to nobody.',
  ],
  action: { label: 'Download the file', link: given.link },
  footer: given.byOperator
    ? `Those who run ${places.home} had it made for you, and do not have the link. If you did not ask them for it, do nothing, or set a new password at ${places.forgot}: it makes the link useless.`
    : `Whoever asked for it at ${places.home} was logged in, and knew the password. If it was not you, set a new one at ${places.forgot}: it makes the link useless, too.`,
});

const noExport = ({ home }: Places, why: string): MailContent => ({
  kind: 'password',
  subject: 'Your Parley export could not be made',
  paragraphs: ['Hello,', `${why} Ask those who run the server: they can help you to get what is yours.`],
  footer: `Sent by ${home}, where an export of your data was asked for.`,
});

export const exportTooLarge = (places: Places): MailContent =>
  noExport(places, 'what is yours at Parley is more than one file may hold, which is 512 MiB.');

export const exportFailed = (places: Places): MailContent =>
  noExport(places, 'the export that was asked for failed again and again, and was given up.');

/** What an operator sends to see whether mails arrive. */
export const testMail = (places: Pick<Places, 'home'>): MailContent => ({
  kind: 'registration',
  subject: 'A test of Parley',
  paragraphs: [
    'Hello,',
    'this mail was sent to see whether mails of this server arrive, and how they look. There is nothing to do.',
  ],
  action: { label: 'Go to Parley', link: places.home },
  footer: `Sent by the operator of ${places.home}.`,
});
