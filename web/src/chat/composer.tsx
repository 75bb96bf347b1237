import { useComputed, useSignal } from '@preact/signals';
import type { Chat, MessageItem, Room } from 'parley-client';
import { ParleyError } from 'parley-client';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Close, Smile, Stop, Up } from '../parts/icons.js';
import { isTouch } from '../parts/media.js';
import { asRoom, useStore } from '../parts/store.js';
import { server } from '../parley.js';
import { whyNot } from '../words.js';
import { useCompletion } from './completion.js';
import { dropEdit, type Edited, editedText, keepEdit, lastOfMine, pauseEdit } from './edits.js';
import { EmojiPicker } from './emoji-picker-lazily.js';
import { EMOJI } from './emoji-source.js';
import { editedMentions, untold, useNaming } from './naming.js';
import { ReplyingLine } from './quote.js';
import { Blocked, Frozen, Gone } from './shut.js';
import { Status } from './status.js';
import { Unsent } from './unsent.js';
import type { View } from './view.js';
import { ErrorLine } from '../parts/error-line.js';

const MOST = 4_000;
/** From here on what is left is counted. */
const COUNT_FROM = 3_600;
const TALLEST_PX = 192;

/** Where one writes, or why one may not; and the line above it. */
export function Composer({ view }: { view: View }) {
  const may = useStore(view.chat.may);
  const { write, why_not } = may.value;
  return (
    <footer class="write">
      <div class="write-in">
        <Status chat={view.chat} />
        {write ? (
          <Box view={view} />
        ) : why_not === 'not_member' ? (
          <div class="shut" />
        ) : (
          <>
            <Unsent chat={view.chat} />
            {why_not === 'blocked' ? (
              <Blocked room={view.chat as Room} />
            ) : why_not === 'frozen' ? (
              <Frozen />
            ) : (
              <Gone />
            )}
          </>
        )}
      </div>
    </footer>
  );
}

function Box({ view }: { view: View }) {
  const { chat, editing } = view;
  const area = useRef<HTMLTextAreaElement>(null);
  /** An edit is on its way. */
  const isSaving = useSignal(false);
  /** Code points of what stands there. */
  const length = useSignal(0);
  const isEmpty = useSignal(true);
  const isPicking = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const answering = useAnswering(chat);
  const title = useTitle(chat);
  const most = server.value?.limits['message_length'] ?? MOST;

  const naming = useNaming(chat, area);

  const fit = (): void => {
    const element = area.current!;
    element.style.blockSize = 'auto';
    element.style.blockSize = `${Math.min(element.scrollHeight, TALLEST_PX)}px`;
    isEmpty.value = element.value.trim() === '';
    length.value = element.value.length < COUNT_FROM / 2 ? element.value.length : [...element.value].length;
  };
  const fill = (text: string): void => {
    area.current!.value = text;
    if (editing.peek()) naming.hidden();
    else naming.shown(text);
    fit();
  };

  const focusAtEnd = (): void => {
    area.current!.focus();
    area.current!.setSelectionRange(area.current!.value.length, area.current!.value.length);
  };

  // Uncontrolled: what is typed is never taken back by a store that is told of it a moment later.
  useLayoutEffect(() => {
    fill(chat.draft.get());
    if (!isTouch.peek()) area.current!.focus({ preventScroll: true });
    view.showDraft = () => {
      fill(chat.draft.get());
      focusAtEnd();
    };
    // Another tab that writes here has the last word, unless this one is being written in.
    const end = chat.draft.listen((text) => {
      if (document.activeElement !== area.current && !editing.peek() && text !== area.current!.value) fill(text);
    });
    return () => {
      view.showDraft = () => {};
      end();
    };
  }, []);
  const item = editing.value;
  const before = useRef<Edited | undefined>(undefined);
  useLayoutEffect(() => {
    if (item === before.current) return;
    before.current = item;
    wrong.value = undefined;
    if (item) {
      fill(editedText(chat, item));
      keepEdit(chat, item, area.current!.value);
    } else {
      pauseEdit(chat);
      fill(chat.draft.get());
    }
    focusAtEnd();
  }, [item]);

  const completion = useCompletion(area, [EMOJI, ...naming.sources], () => onInput());
  const onInput = (): void => {
    fit();
    naming.changed();
    completion.update();
    wrong.value = undefined;
    const changed = editing.peek();
    if (changed) return keepEdit(chat, changed, area.current!.value);
    chat.setDraft(area.current!.value);
    chat.typed();
  };

  const submit = (): void => {
    const text = area.current!.value;
    if (text.trim() === '' || [...text.trim()].length > most) return;
    const changed = editing.peek();
    if (changed) return change(changed, text);
    wrong.value = undefined;
    // Another tab may have another draft.
    chat.setDraft(text);
    const sending = view.send(text, naming.mentions());
    sending.then(
      (sent) => (wrong.value = untold(sent) ?? wrong.value),
      () => {},
    );
    if (chat.draft.get() === '') fill('');
    // Refused at once; what is refused later stands in the conversation.
    else sending.catch((thrown: unknown) => (wrong.value = `Not sent: ${whyNot(ParleyError.from(thrown))}`));
    area.current!.focus();
  };

  /** The message is being changed until the change is stored: what was written is nowhere else. */
  const change = (edited: Edited, text: string): void => {
    if (isSaving.peek()) return;
    const stored = chat.timeline.get().items.find((one) => one.kind === 'message' && one.seq === edited.seq);
    if (stored?.message.trim() === text.trim()) return giveUp(edited);
    wrong.value = undefined;
    isSaving.value = true;
    chat
      .edit(edited.seq!, text, editedMentions(chat, edited.seq!, text))
      .then(
        () => {
          // Unless it was written on meanwhile.
          if (editedText(chat, edited) === text) giveUp(edited);
        },
        (thrown: unknown) => (wrong.value = `Not changed: ${whyNot(ParleyError.from(thrown))}`),
      )
      .finally(() => (isSaving.value = false));
  };

  const cancel = (edited: Edited): void => {
    // What is on its way may be refused.
    if (!isSaving.peek()) giveUp(edited);
  };
  const giveUp = (edited: Edited): void => {
    dropEdit(chat, edited);
    if (editing.peek()?.seq === edited.seq) editing.value = undefined;
  };

  const giveUpReply = (): void => {
    view.reply(undefined);
    area.current!.focus();
  };

  const stop = (): void => {
    const forming = answering.value;
    if (forming) view.stop(forming);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // Safari ends the composition before the Enter that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    if (completion.onKeyDown(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey && !isTouch.peek()) {
      event.preventDefault();
      submit();
    } else if (event.key === 'ArrowUp' && !event.altKey && area.current!.value === '' && !editing.peek()) {
      const mine = lastOfMine(chat);
      if (!mine) return;
      event.preventDefault();
      editing.value = mine;
    } else if (event.key === 'Escape') {
      if (isPicking.peek()) isPicking.value = false;
      else if (editing.peek()) cancel(editing.peek()!);
      else if (view.replyingTo.peek()) giveUpReply();
      else if (answering.peek()) stop();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }
  };

  const over = length.value - most;
  return (
    <>
      {!item && view.replyingTo.value && (
        <ReplyingLine view={view} original={view.replyingTo.value} onCancel={giveUpReply} />
      )}
      {item && (
        <div class="editing">
          <span>Editing</span>
          <button type="button" class="icon" aria-label="Cancel editing" onClick={() => cancel(item)}>
            <Close />
          </button>
        </div>
      )}
      <ErrorLine>{wrong.value}</ErrorLine>
      <form
        class={`box${item ? ' is-editing' : ''}`}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <button
          type="button"
          class="icon"
          aria-label="Emoji"
          aria-haspopup="dialog"
          aria-expanded={isPicking.value}
          onClick={() => (isPicking.value = !isPicking.value)}
        >
          <Smile />
        </button>
        <textarea
          ref={area}
          rows={1}
          aria-label={title}
          placeholder={title}
          data-region="composer"
          dir="auto"
          enterkeyhint={isTouch.peek() ? 'enter' : 'send'}
          onInput={onInput}
          onKeyDown={onKeyDown}
          onBlur={completion.close}
          onClick={completion.close}
          {...completion.aria}
        />
        {completion.list}
        {length.value > COUNT_FROM && (
          <span class={`left${over > 0 ? ' over' : ''}`} role="status">
            {over > 0 ? `${over} too many` : `${-over} left`}
          </span>
        )}
        {answering.value && isEmpty.value ? (
          <button
            type="button"
            class="icon stop"
            aria-label="Stop the answer"
            disabled={view.stopping.value === answering.value.key}
            onClick={stop}
          >
            <Stop />
          </button>
        ) : (
          <button
            class="icon send"
            aria-label={item ? 'Save' : 'Send'}
            disabled={isEmpty.value || over > 0 || isSaving.value}
          >
            <Up />
          </button>
        )}
        {isPicking.value && (
          <EmojiPicker
            onPick={(emoji: string) => {
              const element = area.current!;
              element.setRangeText(emoji, element.selectionStart, element.selectionEnd, 'end');
              element.focus();
              onInput();
            }}
            onClose={() => (isPicking.value = false)}
          />
        )}
      </form>
    </>
  );
}

/** The answer that forms, if one does. */
function useAnswering(chat: Chat) {
  const timeline = useStore(chat.timeline);
  return useComputed(() =>
    timeline.value.items.findLast((item): item is MessageItem => item.kind === 'message' && item.state === 'streaming'),
  );
}

function useTitle(chat: Chat): string {
  const summary = useStore(chat.summary);
  const other = useStore(asRoom(chat)?.other);
  if (chat.ref.type === 'bot') return 'Ask the helper';
  const name = chat.ref.type === 'room' ? other?.value?.first_name : summary.value?.title;
  return name ? `Write to ${name}` : 'Write a message';
}
