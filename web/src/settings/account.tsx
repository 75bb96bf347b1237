import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { forgetWanted } from '../doors/login.js';
import { plural } from '../format.js';
import { Dialog } from '../parts/dialog.js';
import { useForm } from '../parts/form.js';
import { parley, waiting } from '../parley.js';
import { go, to } from '../router.js';
import { NO_PASSWORD, ProofField, proofWords } from './proof.js';
import { Setting } from './setting.js';
import { ErrorLine } from '../parts/error-line.js';

/** The ways out. */
export function Account() {
  const asked = useSignal<'log out' | 'erase' | undefined>(undefined);
  const { queued, failed } = waiting.value;
  const unsent = queued + failed;
  const close = (): void => {
    asked.value = undefined;
  };
  return (
    <section>
      <h2>Account</h2>
      <Setting title="Log out here" note="Messages that still wait stay on this device for you">
        <button type="button" class="btn quiet" onClick={() => (unsent > 0 ? (asked.value = 'log out') : logOut())}>
          Log out
        </button>
      </Setting>
      <Setting title="Erase my account" note="For good. What you wrote to others stays, under “deleted user”">
        <button type="button" class="btn quiet bad" onClick={() => (asked.value = 'erase')}>
          Erase…
        </button>
      </Setting>
      {asked.value === 'log out' && <LogOut unsent={unsent} onClose={close} />}
      {asked.value === 'erase' && <Erase onClose={close} />}
    </section>
  );
}

function logOut(isDiscarding = false): void {
  // Whoever logs in next begins at the list.
  go(to(''));
  void parley.logout({ discard_waiting: isDiscarding });
}

function LogOut({ unsent, onClose }: { unsent: number; onClose: () => void }) {
  const textId = useId();
  const [are, they] = unsent === 1 ? ['has', 'it stays'] : ['have', 'they stay'];
  return (
    <Dialog label="Log out?" describedBy={textId} class="ask-first" onClose={onClose}>
      <h2>Log out?</h2>
      <p id={textId}>
        {plural(unsent, 'message')} {are} not been sent. If you keep {unsent === 1 ? 'it' : 'them'}, {they} on this
        device until you log in here again.
      </p>
      <p class="acts">
        <button type="button" class="btn quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="btn quiet bad" onClick={() => logOut(true)}>
          Discard and log out
        </button>
        <button type="button" class="btn primary" onClick={() => logOut()}>
          Keep and log out
        </button>
      </p>
    </Dialog>
  );
}

function Erase({ onClose }: { onClose: () => void }) {
  const textId = useId();
  const { isBusy, wrong, refuse, submit } = useForm(proofWords);
  const { errors } = wrong.value;
  const onSubmit = submit(async ({ password = '' }) => {
    if (password === '') return refuse(NO_PASSWORD);
    await parley.me.erase(password);
    forgetWanted();
  });
  return (
    <Dialog label="Erase your account?" describedBy={textId} class="ask-first" onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <h2>Erase your account?</h2>
        <p id={textId}>
          This cannot be undone. You are logged out on all devices and leave all groups; those that you own go to their
          longest members. Your conversation with the helper is deleted. What you wrote to others stays, under “deleted
          user”.
        </p>
        <ProofField error={errors['password']} autofocus />
        <ErrorLine>{errors['']}</ErrorLine>
        <p class="acts">
          <button type="button" class="btn quiet" onClick={onClose}>
            Cancel
          </button>
          <button class="btn danger" disabled={isBusy.value}>
            Erase my account
          </button>
        </p>
      </form>
    </Dialog>
  );
}
