import type { House, Identity } from './house.js';
import { MAILS, toMail } from './mails.js';
import { invalid, notFound, Refusal, suspended } from './refusal.js';
import type { Link, Person } from './state.js';
import { assertGoodPassword, assertOwnName } from './texts.js';
import { profileView } from './views.js';

const HOUR = 3_600_000;
const REGISTRATION_LASTS_MS = 24 * HOUR;
/** After this an expired link is unknown. */
const FORGET_AFTER_MS = 7 * 24 * HOUR;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const TOKEN_LENGTH = 33;
/** What stands behind a token in what was opened or pasted is cut off. */
const TOKEN = new RegExp(`^\\s*([A-Za-z0-9]{${TOKEN_LENGTH}})(?![A-Za-z0-9])`);

export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly invite?: string | undefined;
}

const NOT_ADMITTED = {
  closed: ['registration_closed', 'This server takes no registrations. Ask whoever runs it for an invitation.'],
  invite: ['invite_required', 'This server takes only those who are invited. Ask for an invitation.'],
  domains: [
    'domain_not_allowed',
    'This server takes only addresses of some domains. Use another one, or ask for an invitation.',
  ],
} as const;

type MailPurpose = 'register' | 'resend' | 'hint' | 'forgot' | 'notice' | 'restore' | 'email';

/** `a+b@` counts as the mailbox `a@` for what anybody may ask for. */
const mailboxOf = (email: string): string => email.replace(/\+[^@]*@/, '@');

/** How accounts begin, and how one logs in. */
export class Accounts {
  constructor(private readonly house: House) {}

  /** Sends a link, or, where the address has an account, a mail that says so. @throws Refusal */
  register(request: Registration): void {
    const { email, password, first_name, last_name } = request;
    assertOwnName(first_name, last_name);
    assertGoodPassword(password, [email, first_name, last_name, this.house.settings.url]);
    this.house.rates.take('Too many registrations.', [{ name: 'register', key: '' }]);
    this.admit(request);
    if (!this.mayMail('register', email)) return;
    const { url } = this.house.settings;
    if (this.house.state.account(email)) this.mail(email, MAILS.taken(url));
    else this.mail(email, MAILS.confirm(this.addRegistration(request), first_name));
  }

  /** Sends one more link for a registration that waits. @throws Refusal */
  resend({ email, password, token }: { email?: string; password?: string; token?: string }): void {
    this.countStranger();
    const { settings, state } = this.house;
    const isByToken = token !== undefined && email === undefined && password === undefined;
    if (!isByToken && (email === undefined || token !== undefined))
      throw invalid('Send either `email` and `password`, or `token`.');
    const waiting = [...state.links.values()]
      .filter((link) => link.kind === 'registration' && link.user_id === undefined && link.email === email)
      .reverse();
    const sent = isByToken
      ? state.links.get(tokenIn(token))
      : waiting.find((link) => password === undefined || link.password === password);
    const to = isByToken ? (sent?.email ?? '') : email!;
    const isTheirs = isByToken || password !== undefined;
    if (isTheirs && to !== '') this.admit({ email: to, invite: sent?.invite });
    const isTaken = state.account(to) !== undefined;
    if (!sent && !isTaken) return;
    if (!this.mayMail(isTheirs && !isTaken ? 'resend' : 'hint', to)) return;
    if (isTaken) this.mail(to, MAILS.taken(settings.url));
    else if (!isTheirs) this.mail(to, MAILS.waits(settings.url));
    else this.mail(to, MAILS.confirm(this.addRegistration(sent!), sent!.first_name));
  }

  /** Opens a link: makes the account, once. @returns its address @throws Refusal */
  confirm(token: string): string {
    this.countStranger();
    const link = this.findLink('registration', token, () => notFound('registration link'));
    if (link.user_id !== undefined) return link.email;
    if (link.expires_at <= this.house.now())
      throw new Refusal('expired', 'This link has expired. Ask for a new one, or register again.');
    if (this.house.state.account(link.email))
      throw new Refusal('already_registered', 'This address has an account already. Log in.');
    const keptMs = this.house.emails.heldFor(link.email);
    if (keptMs > 0)
      throw new Refusal(
        'already_registered',
        'This address is kept for an account that had it until a short time ago. Register it again later.',
        { retry_after: Math.ceil(keptMs / 1_000) },
      );
    this.admit(link);
    const { invites } = this.house.state;
    if (link.invite !== undefined) invites.set(link.invite, invites.get(link.invite)! - 1);
    link.user_id = this.make(link).id;
    return link.email;
  }

  /** An account, without mails. */
  make({ email, password, first_name, last_name }: Registration): Person {
    const { news, state } = this.house;
    const id = state.nextId('person');
    const created_at = this.house.now();
    const person = { id, email, password, first_name, last_name, created_at, last_seen: null, is_erased: false };
    state.people.set(id, person);
    news.personChanged(id);
    return person;
  }

  /** @returns a token @throws Refusal, the same for an unknown address and a wrong password */
  login(email: string, password: string, device: string): string {
    const { logins, rates, state } = this.house;
    rates.assertLogin(email);
    const person = state.account(email);
    const isRight = samePassword(person?.password, password);
    if (!rates.passwordAttempt(email, isRight) || !person)
      throw new Refusal('login_failed', 'The e-mail address or the password is wrong.');
    rates.take('Too many logins.', [{ name: 'login', key: email }]);
    if (person.is_suspended) throw suspended();
    return logins.start(person.id, device);
  }

  /** The caller's own. */
  profile(me: Identity) {
    return profileView(this.house.state.people.get(me.user_id)!);
  }

  /** @throws Refusal where it is not the caller's */
  checkPassword(person: Person, password: string): void {
    const isRight = samePassword(person.password, password);
    if (!this.house.rates.passwordAttempt(`user ${person.id}`, isRight))
      throw new Refusal('wrong_password', 'This is not your password. Nothing was changed.');
  }

  /** Counts what nobody in particular asks for. @throws Refusal */
  countStranger(): void {
    this.house.rates.take('Too many requests from this network.', [{ name: 'stranger', key: '' }]);
  }

  /** An account that exists gets another address. @throws Refusal where only some domains may register, and this is of none of them */
  assertMayMoveTo(email: string): void {
    if (this.house.state.server.registration === 'domains' && !this.isAllowed(email))
      throw new Refusal(
        'domain_not_allowed',
        'This server takes only addresses of some domains. Your address stays as it is.',
      );
  }

  mayMail(purpose: MailPurpose, email: string): boolean {
    const isOfAccount = purpose === 'forgot' || purpose === 'notice' || purpose === 'restore';
    return this.house.rates.mayMail(purpose, isOfAccount ? email : mailboxOf(email));
  }

  mail(to: string, content: Parameters<typeof toMail>[1]): void {
    this.house.state.mails.unshift(toMail(to, content, this.house.now()));
  }

  /** @returns its token */
  addLink(link: Link): string {
    const token = this.newToken();
    this.house.state.links.set(token, link);
    return token;
  }

  newToken(): string {
    const { random } = this.house.settings;
    return Array.from({ length: TOKEN_LENGTH }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
  }

  /** @throws what `unknown` makes */
  findLink(kind: Link['kind'], token: string, unknown: () => Refusal): Link {
    const link = this.house.state.links.get(tokenIn(token));
    if (link?.kind !== kind || link.expires_at + FORGET_AFTER_MS <= this.house.now()) throw unknown();
    return link;
  }

  /** @throws Refusal where nobody may register so */
  private admit({ email, invite }: Pick<Registration, 'email' | 'invite'>): void {
    const { server, invites } = this.house.state;
    if (invite !== undefined) {
      if (invites.get(tokenIn(invite))) return;
      throw new Refusal('invite_invalid', 'This invitation is not valid, or not any more. Ask for another one.');
    }
    if (server.registration === 'open') return;
    if (server.registration === 'domains' && this.isAllowed(email)) return;
    const [code, message] = NOT_ADMITTED[server.registration];
    throw new Refusal(code, message);
  }

  private isAllowed(email: string): boolean {
    return this.house.state.server.allowed_domains.includes(email.slice(email.lastIndexOf('@') + 1));
  }

  /** @returns the link's address */
  private addRegistration({ email, password, first_name, last_name, invite }: Registration): string {
    const expires_at = this.house.now() + REGISTRATION_LASTS_MS;
    const token = this.addLink({ kind: 'registration', expires_at, email, password, first_name, last_name, invite });
    return `${this.house.settings.url}/http/register/${token}`;
  }
}

const tokenIn = (opened: string): string => TOKEN.exec(opened)?.[1] ?? opened;

/** However it is typed. */
const samePassword = (one: string | undefined, other: string): boolean =>
  one !== undefined && one.normalize('NFC') === other.normalize('NFC');
