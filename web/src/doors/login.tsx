import type { ParleyError } from 'parley-client';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { ofTab } from '../parts/kept.js';
import { auth, parley } from '../parley.js';
import { fragment, route, to } from '../router.js';
import { duration, SUSPENDED, wordsFor } from '../words.js';
import { Brand, Door, Motd, place } from './frame.js';
import { AddressField, looksLikeAddress, NO_ADDRESS } from './address.js';
import { plural } from '../format.js';
import { ErrorLine } from '../parts/error-line.js';

function words(error: ParleyError): Record<string, string> {
  if (error.code === 'login_failed') return { password: 'Wrong e-mail address or password.' };
  if (error.code === 'rate_limited')
    return {
      password: `Too many tries. Try again in ${duration(error.retry_after_ms ?? 60_000)}, or set a new password.`,
    };
  return { '': wordsFor(error) };
}

const LOGGED_OUT = 'You were logged out here. Log in to go on; nothing you wrote is lost.';
/** Why somebody finds themselves here, who was in a moment ago. */
const WHY: Readonly<Record<string, string>> = {
  session_revoked: LOGGED_OUT,
  token_expired: LOGGED_OUT,
  token_invalid: LOGGED_OUT,
  suspended: SUSPENDED,
};

export function Login() {
  const { isBusy, wrong, refuse, submit } = useForm(words);
  const { value: state } = auth;
  const isKnown = state.status === 'signed_out';
  const reason = isKnown ? state.reason?.code : undefined;
  const why = reason === undefined ? undefined : WHY[reason];
  const waits = isKnown ? state.waiting : 0;
  const address = fragment.value.get('email') ?? (isKnown ? state.last_email : undefined) ?? '';
  const { errors } = wrong.value;
  const onSubmit = submit(async ({ email = '', password = '', remember }) => {
    if (!looksLikeAddress(email)) return refuse(NO_ADDRESS);
    if (password === '') return refuse({ password: 'Enter your password.' });
    await parley.login(email.trim(), password, { remember: remember === 'on' });
  });
  return (
    <Door title="Log in">
      {/* Another address, or none any more, is another form: the focus goes to what is to be filled in. */}
      <form key={address} onSubmit={onSubmit} noValidate>
        <Brand />
        <h1>Welcome back</h1>
        <p class="lead">to {place()}</p>
        {why !== undefined && errors[''] === undefined && (
          <p class="note" role="alert">
            <span>{why}</span>
          </p>
        )}
        {waits > 0 && (
          <p class="note">
            <span>{plural(waits, 'message')} will be sent when you log in.</span>
          </p>
        )}
        <AddressField value={address} error={errors['email']} autofocus={address === ''} />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          error={errors['password']}
          autofocus={address !== ''}
          beside={<a href={to('forgot')}>Forgotten?</a>}
        />
        <label class="check">
          <input type="checkbox" name="remember" defaultChecked />
          Stay logged in on this device
        </label>
        <ErrorLine>{errors['']}</ErrorLine>
        <button class="btn primary big" disabled={isBusy.value}>
          Log in
        </button>
        <p class="after">
          New here? <a href={to('register')}>Create an account</a>
        </p>
        <Motd />
      </form>
    </Door>
  );
}

/** Whoever opens a conversation without being in comes back to it after the login. */
export function rememberWanted(): void {
  if (route.peek().at !== 'list') ofTab.write('wanted', location.pathname + location.search);
}

/** The next who logs in is somebody else, or means to begin anew. */
export const forgetWanted = (): void => ofTab.remove('wanted');
