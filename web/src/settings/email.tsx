import type { Me, ParleyError } from 'parley-client';
import { useEffect } from 'preact/hooks';
import { looksLikeAddress, NO_ADDRESS } from '../doors/address.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { parley, server } from '../parley.js';
import { NO_PASSWORD, ProofField, proofWords } from './proof.js';
import { Setting } from './setting.js';
import { Unfolded, useUnfolding } from './unfolded.js';

const HINT = 'A link goes there. The address until now gets a mail as well, with a way back for 72 hours.';
const SOME_DOMAINS = 'This server takes only addresses of some domains.';

function words(error: ParleyError): Readonly<Record<string, string>> | undefined {
  const { code, fields } = error;
  if (code === 'invalid' && fields?.['email']?.[0] === 'is your address already')
    return { email: 'This is your address already.' };
  if (code === 'domain_not_allowed') return { email: SOME_DOMAINS };
  return proofWords(error);
}

/** The address that one logs in with. It changes once a link that goes to the new one is used. */
export function Email({ me }: { me: Me }) {
  const { isOpen, said, opener, open, close } = useUnfolding();
  const form = useForm(words);
  const { errors } = form.wrong.value;
  // The link may have been used in another tab, or on a phone.
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === 'visible') parley.me.read().catch(() => {});
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  const onSubmit = form.submit(async ({ email = '', password = '' }) => {
    if (!looksLikeAddress(email)) return form.refuse(NO_ADDRESS);
    if (password === '') return form.refuse(NO_PASSWORD);
    await parley.me.changeEmail(email.trim(), password);
    close(`A link is on its way to ${email.trim()}. Your address changes once you use it, within a day.`);
  });
  if (!server.value?.features.includes('email_change')) return null;
  if (!isOpen.value)
    return (
      <Setting title="E-mail address" note={<bdi>{me.email}</bdi>} said={said.value}>
        <button type="button" class="btn quiet" ref={opener} onClick={open}>
          Change<span class="sr"> your e-mail address</span>
        </button>
      </Setting>
    );
  return (
    <Unfolded form={form} onSubmit={onSubmit} onCancel={() => close()}>
      <Field
        label="New e-mail address"
        name="email"
        type="email"
        autocomplete="email"
        hint={server.value.registration === 'domains' ? `${SOME_DOMAINS} ${HINT}` : HINT}
        error={errors['email']}
        autofocus
      />
      <ProofField error={errors['password']} />
    </Unfolded>
  );
}
