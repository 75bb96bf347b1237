import { useSignal } from '@preact/signals';
import { type Me, ParleyError } from 'parley-client';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useDeed } from '../parts/deed.js';
import { me, parley } from '../parley.js';
import { fragment, go, to } from '../router.js';
import { duration, wordsFor } from '../words.js';
import { Brand, Door } from './frame.js';
import { tellWaitingTab } from './waiting.js';
import { ErrorLine } from '../parts/error-line.js';

/**
 * Where the link in the mail leads, with the outcome behind the #, which is neither sent nor logged: `email` of an account that now
 * stands, or `error` with the code, `token` of a link that has expired, and `retry_after` in seconds where it passes.
 */
export function Welcome() {
  const { value: given } = fragment;
  const [email, error, token] = [given.get('email'), given.get('error'), given.get('token')];
  if (email !== null) return <Confirmed key={email} email={email} />;
  if (error === 'expired' && token !== null) return <Expired key={token} token={token} />;
  return <Failed code={error ?? 'not_found'} seconds={Number(given.get('retry_after'))} />;
}

function Confirmed({ email }: { email: string }) {
  const state = useSignal<'asking' | 'elsewhere' | 'here'>('asking');
  useEffect(() => {
    void tellWaitingTab(email).then((isIn) => (state.value = isIn ? 'elsewhere' : 'here'));
  }, [email]);
  // The tab that waited logs in for the whole browser, this tab included.
  const who = me.value;
  if (who && who.email.toLowerCase() !== email.toLowerCase()) return <OtherAccount email={email} me={who} />;
  if (state.value === 'elsewhere' || who)
    return (
      <Door title="You are in">
        <div class="card">
          <Brand />
          <h1>You are in.</h1>
          <p class="lead">Your other tab has gone on by itself. This tab can be closed.</p>
          <button type="button" class="btn quiet big" onClick={() => go(to(''), { replace: true })}>
            Go on here
          </button>
        </div>
      </Door>
    );
  return (
    <Stands email={email}>
      {state.value === 'here' && (
        <a class="btn primary big" href={loginAs(email)}>
          Log in
        </a>
      )}
    </Stands>
  );
}

interface StandsProps {
  readonly email: string;
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}

function Stands({ email, note, children }: StandsProps) {
  return (
    <Door title="Your account stands">
      <div class="card">
        <Brand />
        <h1>Your account stands.</h1>
        <p class="lead">
          <b>{email}</b> is confirmed.{note}
        </p>
        {children}
      </div>
    </Door>
  );
}

/** Somebody else is logged in here, or oneself under another address. */
function OtherAccount({ email, me: { email: mine } }: { email: string; me: Me }) {
  const { isBusy, error, run } = useDeed(() => go(loginAs(email), { replace: true }));
  const note = (
    <>
      {' '}
      You are logged in here as <b>{mine}</b>.
    </>
  );
  return (
    <Stands email={email} note={note}>
      <button type="button" class="btn primary big" disabled={isBusy.value} onClick={() => run(() => parley.logout())}>
        Log out, and in as {email}
      </button>
      <ErrorLine>{error.value}</ErrorLine>
      <p class="after">
        <a href={to('')}>Stay as {mine}</a>
      </p>
    </Stands>
  );
}

const loginAs = (email: string): string => `${to('login')}#email=${encodeURIComponent(email)}`;

function Expired({ token }: { token: string }) {
  const said = useSignal('');
  const isSent = useSignal(false);
  const again = (): void => {
    parley.resendConfirmation({ registration_token: token }).then(
      () => {
        isSent.value = true;
        said.value = 'A new link is on its way to the address that was registered.';
      },
      (thrown: unknown) => (said.value = wordsFor(ParleyError.from(thrown))),
    );
  };
  return (
    <Door title="Link expired">
      <div class="card">
        <Brand />
        <h1>This link has expired.</h1>
        <p class="lead">They last a day. A new one goes to the address that was registered.</p>
        <button type="button" class="btn primary big" disabled={isSent.value} onClick={again}>
          Send a new one
        </button>
        <p class="said-here" role="status">
          {said.value}
        </p>
      </div>
    </Door>
  );
}

type Failure = readonly [title: string, text: string, way: 'login' | 'register'];

const FAILED: Readonly<Record<string, Failure>> = {
  already_registered: ['You have an account already.', 'The link was for an address that has one.', 'login'],
  registration_closed: [
    'This server takes no new accounts any more.',
    'It was closed before the link was opened. Ask those who run it for an invitation.',
    'login',
  ],
  invite_required: [
    'This server is for those who are invited.',
    'It was closed to others before the link was opened. Ask those who run it for an invitation.',
    'login',
  ],
  domain_not_allowed: [
    'Not with this address.',
    'This server takes only addresses of some domains. Use another one, or ask for an invitation.',
    'register',
  ],
  invite_invalid: [
    'Your invitation has ended.',
    'It was used up or taken back before the link was opened. Ask for another one.',
    'login',
  ],
  not_found: ['This link is not valid.', 'It may be cut off, or its account was never confirmed in time.', 'register'],
};

/** The address had an account until a short time ago, which may get it back. */
const kept = (seconds: number): Failure => [
  'This address is kept.',
  `An account had it until a short time ago, and can still get it back. Register it again in ${duration(seconds * 1000)}.`,
  'login',
];

/** @param seconds after which it is worth another try; 0 where it is not */
function Failed({ code, seconds }: { code: string; seconds: number }) {
  const failure = code === 'already_registered' && seconds > 0 ? kept(seconds) : FAILED[code];
  const [title, text, way] = failure ?? ['That did not work.', wordsFor(new ParleyError(code, '')), 'login' as const];
  return (
    <Door title={title}>
      <div class="card">
        <Brand />
        <h1>{title}</h1>
        <p class="lead">{text}</p>
        <a class="btn primary big" href={to(way)}>
          {way === 'login' ? 'Log in' : 'Create an account'}
        </a>
      </div>
    </Door>
  );
}
