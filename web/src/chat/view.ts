import { type Signal, signal } from '@preact/signals';
import {
  type Bot,
  type Chat,
  type Mentions,
  type MessageItem,
  ParleyError,
  type Sending,
  type SendOptions,
} from 'parley-client';
import { type Edited, lastEdited } from './edits.js';
import { takeBackNames } from './naming.js';
import { type Original, originalOf, isSilent, keepOriginal, keptOriginal } from './replies.js';
import type { Way } from './rows.js';
import { addUnanswered, dropUnanswered, recallUnanswered } from './unanswered.js';

/** What one looks at: the state of a conversation's page that is not the conversation's. Gone when it is left. */
export interface View {
  readonly chat: Chat;
  /** One's own message that the composer changes. */
  readonly editing: Signal<Edited | undefined>;
  /** The message that the composer replies to. Set by `reply`. */
  readonly replyingTo: Signal<Original | undefined>;
  /** The message whose menu is shown. */
  readonly menuOf: Signal<{ readonly item: MessageItem; readonly opener: HTMLElement } | undefined>;
  /** The message for which an emoji is picked. */
  readonly pickingFor: Signal<{ readonly item: MessageItem; readonly opener: HTMLElement } | undefined>;
  /** Why a reaction was refused: said under its message. */
  readonly trouble: Signal<{ readonly key: string; readonly text: string } | undefined>;
  /** The key of the question that was asked here last: it stands at a third from the top, with room for its answer below. */
  readonly asked: Signal<string | undefined>;
  /** The key of the answer that was told to end. */
  readonly stopping: Signal<string | undefined>;
  /** Sends, and goes to the end. What can never be sent is refused at once, and stays in the draft. */
  send(text: string, mentions?: Mentions): Sending;
  /** From now on the composer replies to this message; undefined: none. */
  reply(item: Pick<MessageItem, 'seq' | 'user_id' | 'message'> | undefined): void;
  /** Asks a question anew that the bot did not answer; the draft stays. */
  askAgain(question: MessageItem): void;
  /** Ends an answer that forms. */
  stop(answer: MessageItem): void;
  /** Takes a message that was refused out of the conversation, and puts its text behind the draft. */
  takeBack(client_id: string): void;
  /** Set by the composer: shows the draft, which may be another now, and takes the focus. */
  showDraft: () => void;
  /** Set by the list: goes to the end, at once or smoothly. */
  toEnd: (smoothly?: boolean) => void;
  /** Set by the list: goes to the message with this number, which flashes. */
  toMessage: (seq: number) => void;
  /** Set by the list: loads what lies beyond what is loaded. */
  loadMore: (way: Way) => void;
}

export function createView(chat: Chat): View {
  if (chat.ref.type === 'bot') recallUnanswered();
  const view: View = {
    chat,
    editing: signal(lastEdited(chat)),
    replyingTo: signal(keptOriginal(chat)),
    menuOf: signal(undefined),
    pickingFor: signal(undefined),
    trouble: signal(undefined),
    asked: signal(undefined),
    stopping: signal(undefined),
    send(text, mentions) {
      const original = view.replyingTo.peek();
      const reply = original && !isDeleted(chat, original.seq) ? replyTo(original.seq) : {};
      const sending = send(view, text, { ...reply, ...(mentions && { mentions }) });
      // What was refused at once is still the draft, and still a reply.
      if (chat.draft.get() === '') view.reply(undefined);
      return sending;
    },
    reply(item) {
      view.replyingTo.value = item && originalOf(item);
      keepOriginal(chat, view.replyingTo.peek());
      if (!item) return;
      view.editing.value = undefined;
      view.showDraft();
    },
    askAgain({ client_id = '', message, reply_to }) {
      const draft = chat.draft.get();
      dropUnanswered(client_id);
      send(view, message, reply_to ? replyTo(reply_to.seq) : {}).catch((thrown: unknown) => {
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
      const item = chat.timeline
        .get()
        .items.find((one): one is MessageItem => one.kind === 'message' && one.client_id === client_id);
      const quote = item?.reply_to;
      const text = chat.discard(client_id);
      if (text === undefined) return;
      if (item) takeBackNames(chat, item);
      const draft = chat.draft.get();
      chat.setDraft(draft.trim() === '' ? text : `${draft}\n\n${text}`);
      if (quote && !quote.deleted && !view.replyingTo.peek()) view.reply(quote);
      view.editing.value = undefined;
      view.showDraft();
    },
    showDraft: () => {},
    toEnd: () => {},
    toMessage: () => {},
    loadMore: () => {},
  };
  return view;
}

/** What goes along with a text. */
type Along = Pick<SendOptions, 'reply_to' | 'is_silent' | 'mentions'>;

const replyTo = (seq: number): Along => ({ reply_to: seq, ...(isSilent() && { is_silent: true }) });

const isDeleted = (chat: Chat, seq: number): boolean =>
  chat.timeline.get().items.some((item) => item.kind === 'message' && item.seq === seq && item.deleted);

function send(view: View, text: string, along: Along): Sending {
  const { chat } = view;
  const isQuestion = chat.ref.type === 'bot';
  const sending = isQuestion ? ask(chat as Bot, text, along) : chat.send(text, along);
  if (isQuestion)
    view.asked.value = chat.timeline.get().items.findLast((item) => item.kind === 'message' && item.mine)?.key;
  view.toEnd();
  return sending;
}

function ask(bot: Bot, text: string, { reply_to }: Along): Sending {
  const { question, done } = bot.ask(text, reply_to === undefined ? {} : { reply_to });
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
