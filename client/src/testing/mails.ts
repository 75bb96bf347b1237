import type { Mail } from './state.js';
import { iso } from './texts.js';

/** The first word of a name, where it can stand in a mail: anybody may register an address. */
function asName(firstName: string): string {
  const [word = ''] = firstName.trim().split(/\s+/u);
  return /^[\p{L}\p{M}\p{N}'’-]{1,24}$/u.test(word)
    ? `the name ${word}`
    : 'a name that is not shown here, since it is more than a word';
}

interface Content {
  readonly subject: string;
  readonly paragraph: string;
  readonly link: string;
}

/** Every mail that the server sends, in short: what a test looks for is its subject and its link. */
export const MAILS = {
  confirm: (link: string, firstName: string): Content => ({
    subject: 'Confirm your Parley account',
    paragraph: `somebody registered this address under ${asName(firstName)}. If it was you, open this link within 24 hours to create your account, then log in with the password that you chose:`,
    link,
  }),
  waits: (url: string): Content => ({
    subject: 'Your registration at Parley',
    paragraph:
      'somebody, perhaps you, asked for a new link for a registration of this address. Open the last link that you have: where it has expired, its page sends you a new one. Or register again.',
    link: url,
  }),
  taken: (url: string): Content => ({
    subject: 'You have a Parley account already',
    paragraph:
      'somebody, perhaps you, tried to register this address. It has an account already: log in with it. If you do not know its password, set a new one:',
    link: `${url}/http/password/forgot`,
  }),
  reset: (link: string): Content => ({
    subject: 'Set a new Parley password',
    paragraph: 'open this link within an hour to choose a new password. It ends all sessions of your account.',
    link,
  }),
  changed: (url: string): Content => ({
    subject: 'Your Parley password was changed',
    paragraph: 'the password of your account was changed just now, and other sessions of your account were ended.',
    link: url,
  }),
  replaced: (link: string): Content => ({
    subject: 'Your Parley password was changed',
    paragraph:
      'a new password was set for your account just now, and all your other sessions were ended. If it was not you, open this link within 72 hours and press the button: the password until then is yours again, and all sessions end.',
    link,
  }),
  restored: (url: string): Content => ({
    subject: 'Your Parley password was taken back',
    paragraph:
      'with a link from a mail to this address, the former password of your account was made the valid one again just now, and all sessions were ended.',
    link: `${url}/http/password/forgot`,
  }),
  newEmail: (link: string): Content => ({
    subject: 'Confirm your new address at Parley',
    paragraph:
      'open this link within 24 hours and press the button: then this address is that of the account from which it was asked for.',
    link,
  }),
  emailTaken: (url: string): Content => ({
    subject: 'This address cannot become that of a Parley account',
    paragraph:
      'somebody, perhaps you, wanted to make this address that of their account. That cannot be: it has an account already, or had one until a few days ago. If you have an account with this address and do not know its password, set a new one:',
    link: `${url}/http/password/forgot`,
  }),
  emailChanged: (link: string): Content => ({
    subject: 'Your Parley account has another address',
    paragraph:
      'your account was given another e-mail address just now. If it was not you, open this link within 72 hours and press the button: this address is that of your account again, all sessions end, and you get a link to a new password.',
    link,
  }),
  emailLeft: (url: string): Content => ({
    subject: 'This address is no longer that of a Parley account',
    paragraph:
      'an account that had this address has a former one again since just now. Mails about the account go there, and this address does not lead to it any more.',
    link: url,
  }),
  emailReturned: (link: string): Content => ({
    subject: 'Set a new Parley password',
    paragraph:
      'this address is that of your account again. All sessions were ended, and the password is not valid any more, since somebody else knew it. Open this link within an hour to choose a new one.',
    link,
  }),
  exportReady: (link: string): Content => ({
    subject: 'Your Parley export is ready',
    paragraph:
      'what is yours at Parley, your profile and all that you have written, is ready as a zip file. The link is good for 48 hours. Whoever has it gets the file, so pass this mail on to nobody.',
    link,
  }),
};

export const toMail = (to: string, { subject, paragraph, link }: Content, time: number): Mail => ({
  to,
  subject,
  text: `Hello,\n\n${paragraph}\n\n${link}\n`,
  date: iso(time),
  links: [link],
});
