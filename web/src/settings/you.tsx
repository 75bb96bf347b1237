import { useSignal } from '@preact/signals';
import type { Me, ParleyError } from 'parley-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { Field } from '../parts/field.js';
import { type FormState, useForm } from '../parts/form.js';
import { NewPassword, wrongWithPassword } from '../parts/new-password.js';
import { parley, server } from '../parley.js';
import { duration } from '../words.js';
import { Setting } from './setting.js';
import { ErrorLine } from '../parts/error-line.js';

/** One's name and password: each a line that becomes a form. */
export function You({ me, onPassword }: { me: Me; onPassword: () => void }) {
  return (
    <section>
      <h2>You</h2>
      <Name me={me} />
      <Password me={me} onChanged={onPassword} />
    </section>
  );
}

/** A line that becomes a form, and a line again; the focus comes back to where it was opened. */
function useUnfolding() {
  const isOpen = useSignal(false);
  const said = useSignal<string | undefined>(undefined);
  const opener = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !isOpen.value) opener.current?.focus();
    wasOpen.current = isOpen.value;
  }, [isOpen.value]);
  const open = (): void => {
    said.value = undefined;
    isOpen.value = true;
  };
  const close = (outcome?: string): void => {
    isOpen.value = false;
    said.value = outcome;
  };
  return { isOpen, said, opener, open, close };
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
  if (error.code === 'rate_limited')
    return { '': `Too many tries. Try again in ${duration(error.retry_after_ms ?? 60_000)}.` };
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

interface UnfoldedProps {
  readonly form: FormState;
  readonly onSubmit: (event: Event) => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

function Unfolded({ form, onSubmit, onCancel, children }: UnfoldedProps) {
  const general = form.wrong.value.errors[''];
  return (
    <form
      class="unfolded"
      onSubmit={onSubmit}
      noValidate
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.isComposing) return;
        event.preventDefault();
        onCancel();
      }}
    >
      {children}
      <ErrorLine>{general}</ErrorLine>
      <p class="acts">
        <button class="btn primary" disabled={form.isBusy.value}>
          Save
        </button>
        <button type="button" class="btn quiet" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </form>
  );
}
