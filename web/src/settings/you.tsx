import type { Me, ParleyError } from 'parley-client';
import { fullName } from '../format.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { NewPassword, wrongWithPassword } from '../parts/new-password.js';
import { parley, server } from '../parley.js';
import { Email } from './email.js';
import { Setting } from './setting.js';
import { Unfolded, useUnfolding } from './unfolded.js';

/** One's name, address and password: each a line that becomes a form. */
export function You({ me, onPassword }: { me: Me; onPassword: () => void }) {
  return (
    <section>
      <h2>You</h2>
      <Name me={me} />
      <Email me={me} />
      <Password me={me} onChanged={onPassword} />
    </section>
  );
}

function Name({ me }: { me: Me }) {
  const { isOpen, said, opener, open, close } = useUnfolding();
  const form = useForm();
  const { errors } = form.wrong.value;
  const longest = server.value?.limits['name_length'];
  const onSubmit = form.submit(async ({ first_name = '', last_name = '' }) => {
    if (first_name.trim() === '') return form.refuse({ first_name: 'Enter your first name.' });
    await parley.me.update({ first_name: first_name.trim(), last_name: last_name.trim() });
    close('Your name was changed.');
  });
  if (!isOpen.value)
    return (
      <Setting title="Name" note={<bdi>{fullName(me)}</bdi>} said={said.value}>
        <button type="button" class="btn quiet" ref={opener} onClick={open}>
          Change<span class="sr"> your name</span>
        </button>
      </Setting>
    );
  const bound = longest === undefined ? {} : { maxLength: longest };
  return (
    <Unfolded form={form} onSubmit={onSubmit} onCancel={() => close()}>
      <div class="pair">
        <Field
          label="First name"
          name="first_name"
          autocomplete="given-name"
          value={me.first_name}
          error={errors['first_name']}
          autofocus
          {...bound}
        />
        <Field
          label="Last name"
          name="last_name"
          autocomplete="family-name"
          value={me.last_name}
          error={errors['last_name']}
          {...bound}
        />
      </div>
    </Unfolded>
  );
}

function passwordWords(error: ParleyError): Readonly<Record<string, string>> | undefined {
  if (error.code === 'wrong_password') return { current_password: 'This is not your password.' };
  if (error.code === 'reauthentication_required') return { current_password: 'Enter your current password.' };
  return undefined;
}

function Password({ me, onChanged }: { me: Me; onChanged: () => void }) {
  const { isOpen, said, opener, open, close } = useUnfolding();
  const form = useForm(passwordWords);
  const { errors } = form.wrong.value;
  const onSubmit = form.submit(async ({ current_password = '', password = '' }) => {
    const wrongPassword = wrongWithPassword(password);
    if (wrongPassword !== undefined) return form.refuse({ password: wrongPassword });
    const isProved = current_password !== '';
    await parley.me.update({ password, ...(isProved && { current_password }) });
    onChanged();
    close(
      isProved
        ? 'Your password was changed, and all other devices are logged out.'
        : 'Your password was changed, and all other devices are logged out. The link in your mail takes it back for 72 hours.',
    );
  });
  if (!isOpen.value)
    return (
      <Setting title="Password" note="All other devices are logged out when it changes" said={said.value}>
        <button type="button" class="btn quiet" ref={opener} onClick={open}>
          Change<span class="sr"> your password</span>
        </button>
      </Setting>
    );
  return (
    <Unfolded form={form} onSubmit={onSubmit} onCancel={() => close()}>
      {/* For password managers, which want to know whose it is. */}
      <input
        class="sr"
        type="email"
        autocomplete="username"
        value={me.email}
        tabIndex={-1}
        readOnly
        aria-hidden="true"
      />
      <Field
        label="Current password"
        name="current_password"
        type="password"
        autocomplete="current-password"
        hint="Forgotten? Leave it empty. Then a link in your mail can take the change back for 72 hours, and until then your account cannot be erased."
        error={errors['current_password']}
        autofocus
      />
      <NewPassword label="New password" error={errors['password']} />
    </Unfolded>
  );
}
