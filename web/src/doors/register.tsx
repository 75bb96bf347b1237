import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { NewPassword, wrongWithPassword } from '../parts/new-password.js';
import { parley, server } from '../parley.js';
import { go, to } from '../router.js';
import { AddressField, looksLikeAddress, NO_ADDRESS } from './address.js';
import { Brand, Door, Motd, place } from './frame.js';
import { registered } from './waiting.js';
import { ErrorLine } from '../parts/error-line.js';

export function Register() {
  const { isBusy, wrong, refuse, submit } = useForm();
  const { errors } = wrong.value;
  const onSubmit = submit(async ({ first_name = '', last_name = '', email = '', password = '' }) => {
    if (first_name.trim() === '') return refuse({ first_name: 'Enter your first name.' });
    if (!looksLikeAddress(email)) return refuse(NO_ADDRESS);
    const wrongPassword = wrongWithPassword(password);
    if (wrongPassword !== undefined) return refuse({ password: wrongPassword });
    const person = { first_name: first_name.trim(), last_name: last_name.trim(), email: email.trim(), password };
    await parley.register(person);
    registered.value = { email: person.email, password };
    go(to('mail'));
  });
  return (
    <Door title="Create an account">
      <form onSubmit={onSubmit} noValidate>
        <Brand />
        <h1>Create an account</h1>
        <p class="lead">on {place()}</p>
        {server.value !== undefined && server.value.registration !== 'open' ? (
          <p class="note">
            <span>This server takes no new accounts by itself. Ask whoever runs it.</span>
          </p>
        ) : (
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
            <AddressField hint="Nobody else sees it." value={registered.value?.email ?? ''} error={errors['email']} />
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
