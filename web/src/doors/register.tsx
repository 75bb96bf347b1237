import { useSignal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { NewPassword, wrongWithPassword } from '../parts/new-password.js';
import { parley, server } from '../parley.js';
import { go, to } from '../router.js';
import { AddressField, looksLikeAddress, NO_ADDRESS } from './address.js';
import { Brand, Door, Motd, place } from './frame.js';
import { dropInvitation, invitation } from './invitation.js';
import { registered } from './waiting.js';
import { ErrorLine } from '../parts/error-line.js';
import { wordsFor } from '../words.js';

/** For those without an invitation, where not everybody may register. */
const SHUT: Readonly<Record<string, string>> = {
  closed: 'This server takes no new accounts. Ask those who run it for an invitation.',
  invite:
    'This server is for those who are invited. Open the link of your invitation, or ask those who run it for one.',
};
const SHUT_OTHERWISE = 'This server takes no new accounts by itself. Ask those who run it.';

const NOT_VALID = 'This invitation is not valid, or not any more.';

function words(error: ParleyError): Readonly<Record<string, string>> | undefined {
  if (error.code === 'domain_not_allowed') return { email: wordsFor(error) };
  return undefined;
}

export function Register() {
  const invite = invitation();
  const isRefused = useSignal(false);
  const refusal = useRef<HTMLParagraphElement>(null);
  const { isBusy, wrong, refuse, submit } = useForm(words);
  const mode = server.value?.registration ?? 'open';
  const isOpen = invite !== undefined || mode === 'open' || mode === 'domains';
  const { errors } = wrong.value;
  // The form may be gone, with what had the focus in it.
  useEffect(() => {
    if (isRefused.value && !isOpen) refusal.current?.focus();
  }, [isRefused.value, isOpen]);
  // What was refused without it may be taken with it.
  useEffect(() => {
    if (invite === undefined) return;
    isRefused.value = false;
    refuse({});
  }, [invite]);
  const onSubmit = submit(async ({ first_name = '', last_name = '', email = '', password = '' }) => {
    if (first_name.trim() === '') return refuse({ first_name: 'Enter your first name.' });
    if (!looksLikeAddress(email)) return refuse(NO_ADDRESS);
    const wrongPassword = wrongWithPassword(password);
    if (wrongPassword !== undefined) return refuse({ password: wrongPassword });
    const person = { first_name: first_name.trim(), last_name: last_name.trim(), email: email.trim(), password };
    try {
      await parley.register({ ...person, invite });
    } catch (thrown) {
      if (invite === undefined || !ParleyError.is(thrown, 'invite_invalid')) throw thrown;
      dropInvitation(invite);
      isRefused.value = true;
      return;
    }
    registered.value = { email: person.email, password };
    go(to('mail'));
  });
  return (
    <Door title="Create an account">
      <form onSubmit={onSubmit} noValidate>
        <Brand />
        <h1>Create an account</h1>
        <p class="lead">on {place()}</p>
        {invite !== undefined && (
          <p class="note">
            <span>You have an invitation.</span>
          </p>
        )}
        {isRefused.value && (
          <p class="note" role="alert" ref={refusal} tabIndex={-1}>
            <span>
              {NOT_VALID} {isOpen ? 'You can make an account without one.' : 'Ask for another one.'}
            </span>
          </p>
        )}
        {!isOpen && !isRefused.value && (
          <p class="note">
            <span>{SHUT[mode] ?? SHUT_OTHERWISE}</span>
          </p>
        )}
        {isOpen && (
          <>
            <div class="pair">
              <Field
                label="First name"
                name="first_name"
                autocomplete="given-name"
                error={errors['first_name']}
                autofocus
              />
              <Field label="Last name" name="last_name" autocomplete="family-name" error={errors['last_name']} />
            </div>
            <AddressField
              hint={hintFor(invite === undefined ? mode : 'open')}
              value={registered.value?.email ?? ''}
              error={errors['email']}
            />
            <NewPassword label="Password" error={errors['password']} />
            <ErrorLine>{errors['']}</ErrorLine>
            <button class="btn primary big" disabled={isBusy.value}>
              Make my account
            </button>
          </>
        )}
        <p class="after">
          Been here before? <a href={to('login')}>Log in</a>
        </p>
        <Motd />
      </form>
    </Door>
  );
}

const hintFor = (mode: string): string =>
  mode === 'domains'
    ? 'Only addresses of some domains can register here. Nobody else sees yours.'
    : 'Nobody else sees it.';
