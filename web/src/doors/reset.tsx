import { useSignal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { useEffect } from 'preact/hooks';
import { useForm } from '../parts/form.js';
import { NewPassword, wrongWithPassword } from '../parts/new-password.js';
import { auth, parley } from '../parley.js';
import { go, to } from '../router.js';
import { wordsFor } from '../words.js';
import { AddressField, looksLikeAddress, NO_ADDRESS } from './address.js';
import { forgotten } from './forgot.js';
import { Brand, Door } from './frame.js';
import { ErrorLine } from '../parts/error-line.js';

const isEnd = ({ code }: ParleyError): boolean => code === 'not_found' || code === 'expired';

/**
 * The page behind the link to a new password. Opening it changes nothing. The link does not say whose it is, since it may be read over a
 * shoulder: the address is the one that this browser knows, or is typed.
 */
export function Reset({ token }: { token: string }) {
  const isOver = useSignal<ParleyError | undefined>(undefined);
  const { isBusy, wrong, refuse, submit } = useForm((error) => {
    if (!isEnd(error)) return error.fields ? undefined : { '': wordsFor(error) };
    isOver.value = error;
    return {};
  });
  useEffect(() => {
    // Before somebody thinks of a new password. Whatever else goes wrong shows when it is sent.
    parley.checkReset(token).catch((thrown: unknown) => {
      const error = ParleyError.from(thrown);
      if (isEnd(error)) isOver.value = error;
    });
  }, [token]);
  const { errors } = wrong.value;
  const address = forgotten.value ?? (auth.value.status === 'signed_out' ? auth.value.last_email : undefined) ?? '';
  const onSubmit = submit(async ({ email = '', password = '' }) => {
    if (!looksLikeAddress(email)) return refuse(NO_ADDRESS);
    const wrongPassword = wrongWithPassword(password);
    if (wrongPassword !== undefined) return refuse({ password: wrongPassword });
    await parley.resetPassword(token, password);
    forgotten.value = undefined;
    try {
      await parley.login(email.trim(), password);
      go(to(''), { replace: true });
    } catch {
      // The password is saved all the same: somebody mistyped their address, or the network went away just now.
      go(`${to('login')}#email=${encodeURIComponent(email.trim())}`, { replace: true });
    }
  });
  if (isOver.value)
    return (
      <Door title="This link is not valid">
        <div class="card">
          <Brand />
          <h1>{isOver.value.code === 'expired' ? 'This link has expired.' : 'This link is not valid.'}</h1>
          <p class="lead">They last an hour, and are good for one new password.</p>
          <a class="btn primary big" href={to('forgot')}>
            Send a new one
          </a>
        </div>
      </Door>
    );
  return (
    <Door title="A new password">
      <form onSubmit={onSubmit} noValidate>
        <Brand />
        <h1>A new password</h1>
        <p class="lead">All other devices are logged out.</p>
        <AddressField value={address} error={errors['email']} autofocus={address === ''} />
        <NewPassword label="New password" error={errors['password']} autofocus={address !== ''} />
        <ErrorLine>{errors['']}</ErrorLine>
        <button class="btn primary big" disabled={isBusy.value}>
          Save and log in
        </button>
      </form>
    </Door>
  );
}
