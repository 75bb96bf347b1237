import { useSignal } from '@preact/signals';
import type { MessageItem, ParleyError, ReportReason } from 'parley-client';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { ErrorLine } from '../parts/error-line.js';
import { useForm } from '../parts/form.js';
import { server } from '../parley.js';
import { oneLine } from '../text/one-line.js';
import { duration } from '../words.js';
import { useNameIn } from './names.js';
import type { View } from './view.js';

const MOST = 1_000;
/** From here on what is left is counted. */
const COUNT_FROM = 900;

const REASONS = [
  ['spam', 'Spam or advertising'],
  ['abuse', 'Insults, threats or harassment'],
  ['illegal', 'Against the law'],
  ['other', 'Something else'],
] as const satisfies readonly (readonly [ReportReason, string])[];

/** Whether one may hand this message to those who run the server; what one may not do is absent. */
export const mayReport = (item: MessageItem, { chat }: View): boolean =>
  item.state === 'stored' &&
  !item.deleted &&
  !item.mine &&
  chat.ref.type !== 'bot' &&
  (server.value?.features.includes('reports') ?? false);

function words({ code, retry_after_ms, fields }: ParleyError): Readonly<Record<string, string>> | undefined {
  if (fields) return undefined;
  if (code === 'rate_limited')
    return { '': `You have reported as much as one can in a day. Try again in ${duration(retry_after_ms ?? 60_000)}.` };
  if (code === 'message_deleted') return { '': 'The message has been deleted meanwhile: nobody can read it any more.' };
  if (code === 'not_found') return { '': 'The message is not there any more, or you can no longer read it.' };
  if (code === 'unsupported') return { '': 'This server takes no reports.' };
  return undefined;
}

/** Hands a message of somebody else's to those who run the server, and says what they get. */
export function Report({ view, item, onClose }: { view: View; item: MessageItem; onClose: () => void }) {
  const { chat } = view;
  const name = useNameIn(chat, item.user_id).value;
  const isDone = useSignal(false);
  const { isBusy, wrong, refuse, submit } = useForm(words);
  const reasons = useRef<HTMLFieldSetElement>(null);
  const length = useSignal(0);
  const over = length.value - MOST;
  const { errors, tried } = wrong.value;
  const [reasonId, textId] = [useId(), useId()];
  useEffect(() => {
    if (errors['reason'] !== undefined) reasons.current?.querySelector('input')?.focus();
  }, [tried]);
  const onSubmit = submit(async ({ reason, note = '' }) => {
    if (reason === undefined) return refuse({ reason: 'Choose what is wrong with it.' });
    await chat.report(item.seq!, reason as ReportReason, note.trim() || undefined);
    isDone.value = true;
  });
  if (isDone.value)
    return (
      <Dialog label="Reported" class="report" onClose={onClose}>
        <Reported name={name} onClose={onClose} />
      </Dialog>
    );
  return (
    <Dialog label="Report this message" describedBy={textId} class="report" onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <h2>Report this message</h2>
        <blockquote dir="auto">{oneLine(item.message)}</blockquote>
        <p id={textId}>
          Those who run this server get a copy of this message and of the four before it, with your name. {name} is not
          told.
        </p>
        <fieldset ref={reasons} class="kinds" aria-describedby={errors['reason'] === undefined ? undefined : reasonId}>
          <legend>What is wrong with it?</legend>
          {REASONS.map(([reason, title]) => (
            <label key={reason} class="kind">
              <input type="radio" name="reason" value={reason} />
              <b>{title}</b>
            </label>
          ))}
        </fieldset>
        {errors['reason'] !== undefined && (
          <p class="err" id={reasonId} role="alert">
            {errors['reason']}
          </p>
        )}
        <Note error={errors['note']} over={over} onLength={(count) => (length.value = count)} />
        <ErrorLine>{errors['']}</ErrorLine>
        <p class="acts">
          <button type="button" class="btn quiet" onClick={onClose}>
            Cancel
          </button>
          <button class="btn danger" disabled={isBusy.value || over > 0}>
            Report
          </button>
        </p>
      </form>
    </Dialog>
  );
}

interface NoteProps {
  readonly error: string | undefined;
  /** How many characters are too many; below zero, how many are left. */
  readonly over: number;
  readonly onLength: (count: number) => void;
}

function Note({ error, over, onLength }: NoteProps) {
  const id = useId();
  return (
    <div class={error === undefined ? 'field' : 'field bad'}>
      <span class="label">
        <label for={id}>Note, if you like</label>
        {over > COUNT_FROM - MOST && (
          <span class={`left${over > 0 ? ' over' : ''}`} role="status">
            {over > 0 ? `${over} too many` : `${-over} left`}
          </span>
        )}
      </span>
      <textarea
        id={id}
        name="note"
        rows={3}
        dir="auto"
        aria-invalid={error !== undefined || over > 0}
        aria-describedby={error === undefined ? undefined : `${id}-said`}
        onInput={({ currentTarget: { value } }) => onLength([...value.trim()].length)}
      />
      {error !== undefined && (
        <p class="err" id={`${id}-said`}>
          {error}
        </p>
      )}
    </div>
  );
}

function Reported({ name, onClose }: { name: string; onClose: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <>
      <h2>Reported</h2>
      <p role="status">
        Those who run this server have it now, and decide what to do. {name} is not told. To hear no more of them, you
        can block them.
      </p>
      <p class="acts">
        <button ref={button} type="button" class="btn primary" onClick={onClose}>
          Close
        </button>
      </p>
    </>
  );
}
