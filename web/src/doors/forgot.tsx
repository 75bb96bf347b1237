import { signal, useSignal } from '@preact/signals';
import { useForm } from '../parts/form.js';
import { auth, parley } from '../parley.js';
import { to } from '../router.js';
import { AddressField, looksLikeAddress, NO_ADDRESS } from './address.js';
import { Brand, Door } from './frame.js';
import { DevMail, Resend } from './mail.js';

/** The address for which this tab asked for a new password, so that the next page logs in with it. In memory alone. */
export const forgotten = signal<string | undefined>(undefined);

export function Forgot() {
  const { isBusy, wrong, refuse, submit } = useForm();
  const sentTo = useSignal<string | undefined>(undefined);
  const { errors } = wrong.value;
  const known = auth.value.status === 'signed_out' ? (auth.value.last_email ?? '') : '';
  const onSubmit = submit(async ({ email = '' }) => {
    if (!looksLikeAddress(email)) return refuse(NO_ADDRESS);
    await parley.forgotPassword(email.trim());
    forgotten.value = sentTo.value = email.trim();
  });
  const address = sentTo.value;
  if (address !== undefined)
    return (
      <Door title="Check your mail">
        <div class="card">
          <Brand />
          <h1>Check your mail</h1>
          <p class="lead">
            If <b>{address}</b> has an account, a link to a new password is on its way. It is good for an hour.
          </p>
          <DevMail />
          <Resend again={() => parley.forgotPassword(address)} />
          <p class="after">
            <a href={to('login')}>Back to the login</a>
          </p>
        </div>
      </Door>
    );
  return (
    <Door title="A new password">
      <form onSubmit={onSubmit} noValidate>
        <Brand />
        <h1>A new password</h1>
        <p class="lead">We send a link to your address. Your password stays until you choose another.</p>
        <AddressField value={known} error={errors['email'] ?? errors['']} autofocus />
        <button class="btn primary big" disabled={isBusy.value}>
          Send the link
        </button>
        <p class="after">
          <a href={to('login')}>Back to the login</a>
        </p>
      </form>
    </Door>
  );
}
