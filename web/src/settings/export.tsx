import type { Me } from 'parley-client';
import { useForm } from '../parts/form.js';
import { parley, server } from '../parley.js';
import { NO_PASSWORD, ProofField, proofWords } from './proof.js';
import { Setting } from './setting.js';
import { Unfolded, useUnfolding } from './unfolded.js';

/** What is one's own, as a file: it is asked for here, and comes by mail. */
export function YourData({ me }: { me: Me }) {
  const { isOpen, said, opener, open, close } = useUnfolding();
  const form = useForm(proofWords);
  const onSubmit = form.submit(async ({ password = '' }) => {
    if (password === '') return form.refuse(NO_PASSWORD);
    await parley.me.export(password);
    close(`Once your file is ready, a mail with a link to it goes to ${me.email}. The link is good for 48 hours.`);
  });
  if (!server.value?.features.includes('export')) return null;
  return (
    <section>
      <h2>Your data</h2>
      {isOpen.value ? (
        <Unfolded form={form} deed="Make the file" onSubmit={onSubmit} onCancel={() => close()}>
          <ProofField
            hint="A mail with a link to the file goes to your address, in a moment or in some minutes."
            error={form.wrong.value.errors['password']}
            autofocus
          />
        </Unfolded>
      ) : (
        <Setting
          title="A copy of your data"
          note="Your profile and all that you have written, as a zip file. Once a day."
          said={said.value}
        >
          <button type="button" class="btn quiet" ref={opener} onClick={open}>
            Export<span class="sr"> your data</span>
          </button>
        </Setting>
      )}
    </section>
  );
}
