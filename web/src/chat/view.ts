import { type Signal, signal } from '@preact/signals';
import { type Bot, type Chat, type MessageItem, ParleyError, type Sending } from 'parley-client';
import { type Edited, lastEdited } from './edits.js';
import type { Way } from './rows.js';
import { addUnanswered, dropUnanswered, recallUnanswered } from './unanswered.js';

/** What one looks at: the state of a conversation's page that is not the conversation's. Gone when it is left. */
export interface View {
  readonly chat: Chat;
  /** One's own message that the composer changes. */
  readonly editing: Signal<Edited | undefined>;
  /** The message whose menu is shown. */
  readonly menuOf: Signal<{ readonly item: MessageItem; readonly opener: HTMLElement } | undefined>;
  /** The key of the question that was asked here last: it stands at a third from the top, with room for its answer below. */
  readonly asked: Signal<string | undefined>;
  /** The key of the answer that was told to end. */
  readonly stopping: Signal<string | undefined>;
  /** Sends, and goes to the end. What can never be sent is refused at once, and stays in the draft. */
  send(text: string): Sending;
  /** Asks a question anew that the bot did not answer; the draft stays. */
  askAgain(question: MessageItem): void;
  /** Ends an answer that forms. */
  stop(answer: MessageItem): void;
  /** Takes a message that was refused out of the conversation, and puts its text behind the draft. */
  takeBack(client_id: string): void;
  /** Set by the composer: shows the draft, which is another now, and takes the focus. */
  showDraft: () => void;
  /** Set by the list: goes to the end, at once or smoothly. */
  toEnd: (smoothly?: boolean) => void;
  /** Set by the list: loads what lies beyond what is loaded. */
  loadMore: (way: Way) => void;
}

export function createView(chat: Chat): View {
  if (chat.ref.type === 'bot') recallUnanswered();
  const view: View = {
    chat,
    editing: signal(lastEdited(chat)),
    menuOf: signal(undefined),
    asked: signal(undefined),
    stopping: signal(undefined),
    send(text) {
      const isQuestion = chat.ref.type === 'bot';
      const sending = isQuestion ? ask(chat as Bot, text) : chat.send(text);
      if (isQuestion)
        view.asked.value = chat.timeline.get().items.findLast((item) => item.kind === 'message' && item.mine)?.key;
      view.toEnd();
      return sending;
    },
    askAgain({ client_id = '', message }) {
      const draft = chat.draft.get();
      dropUnanswered(client_id);
      view.send(message).catch((thrown: unknown) => {
        // What is refused later stands in the conversation.
        if (ParleyError.is(thrown, 'outbox_full')) addUnanswered(client_id);
      });
      chat.setDraft(draft);
    },
    stop(answer) {
      view.stopping.value = answer.key;
      (chat as Bot).stop(questionOf(answer)).catch(() => (view.stopping.value = undefined));
    },
    takeBack(client_id) {
      const text = chat.discard(client_id);
      if (text === undefined) return;
      const draft = chat.draft.get();
      chat.setDraft(draft.trim() === '' ? text : `${draft}\n\n${text}`);
      view.editing.value = undefined;
      view.showDraft();
    },
    showDraft: () => {},
    toEnd: () => {},
    loadMore: () => {},
  };
  return view;
}

function ask(bot: Bot, text: string): Sending {
  const { question, done } = bot.ask(text);
  const { client_id } = question;
  done.catch((thrown: unknown) => {
    // What the server refused to store says so itself.
    if (ParleyError.is(thrown, 'bot_unavailable')) addUnanswered(client_id);
  });
  return question;
}

/** The key of the answer to a question. */
export const answerTo = (question: MessageItem): string => `answer:${question.seq}`;
/** Of an answer that forms: the number of its question. */
const questionOf = (answer: MessageItem): number => Number(answer.key.slice('answer:'.length));
