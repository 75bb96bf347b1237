import { useSignal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { useEffect } from 'preact/hooks';
import { Envelope } from '../parts/icons.js';
import { parley, server } from '../parley.js';
import { go, to } from '../router.js';
import { wordsFor } from '../words.js';
import { Brand, Door } from './frame.js';
import { registered, waitForConfirmation } from './waiting.js';

const RESEND_AFTER_S = 60;

/** After registering: waits for the link to be opened, wherever that is, and goes on by itself. */
export function Mail() {
  const who = registered.value;
  useEffect(() => {
    if (who) return waitForConfirmation(who);
    go(to('login'), { replace: true });
    return undefined;
  }, [who]);
  if (!who) return null;
  return (
    <Door title="Check your mail">
      <div class="card">
        <Brand />
        <h1>Check your mail</h1>
        <p class="lead">
          We sent a link to <b>{who.email}</b>.
        </p>
        <ol class="steps">
          <li class="done">
            <i>✓</i>
            <span>You chose a name and a password.</span>
          </li>
          <li>
            <i>2</i>
            <span>Open the link in the mail. Any device will do.</span>
          </li>
          <li>
            <i>3</i>
            <span>Come back: this page logs you in by itself.</span>
          </li>
        </ol>
        <DevMail />
        <Resend again={() => parley.resendConfirmation(who)} />
        <p class="after">
          Wrong address? <a href={to('register')}>Go back and change it</a>
        </p>
      </div>
    </Door>
  );
}

/** Where mails stay on the server's machine. */
export function DevMail() {
  if (!server.value?.dev_mail) return null;
  return (
    <p class="note">
      <Envelope />
      <span>
        This server sends no real mails yet. Yours is at{' '}
        <a href={to('dev/mail')} target="_blank" rel="noopener">
          /dev/mail
        </a>
        .
      </span>
    </p>
  );
}

/** Counts down, so that nobody asks for five mails while the first is on its way. */
export function Resend({ again, label = 'Send again' }: { again: () => Promise<void>; label?: string }) {
  const left = useSignal(RESEND_AFTER_S);
  const said = useSignal('');
  useEffect(() => {
    const timer = setInterval(() => (left.value = Math.max(0, left.peek() - 1)), 1000);
    return () => clearInterval(timer);
  }, []);
  const onClick = (): void => {
    left.value = RESEND_AFTER_S;
    again().then(
      () => (said.value = 'Another mail is on its way.'),
      (thrown: unknown) => (said.value = wordsFor(ParleyError.from(thrown))),
    );
  };
  const seconds = left.value;
  return (
    <>
      <button type="button" class="btn quiet big" disabled={seconds > 0} onClick={onClick}>
        {label}
        {seconds > 0 && ` (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')})`}
      </button>
      <p class="said-here" role="status">
        {said.value}
      </p>
    </>
  );
}
