import { setTimeout as sleep } from 'node:timers/promises';
import { type Behaviour, begin, delta, END } from '../support/completions-server.js';
import { type Device, isPassing } from './device.js';
import type { Question } from './record.js';

/** Questions that are stopped, of a hundred. */
const STOPPED = 30;
const WORDS = 12;
const WORD_EVERY_MS = 150;

/** How each answer to it begins, also one that was stopped. */
export const beginningOf = (question: string): string => `To “${question}”`;
const words = Array.from({ length: WORDS }, (_, i) => `, ${i} words`);
/** The whole of the answer. */
export const answerTo = (question: string): string => beginningOf(question) + words.join('');

/** How the language model answers: always the same, and not at once, so that what breaks breaks in the middle. */
export const answersSlowly: Behaviour = async (response, { body }) => {
  begin(response).flushHeaders();
  // Behind earlier ones that have no answer, since they were stopped.
  const question = body.messages.at(-1)!.content.split('\n').at(-1)!;
  for (const piece of [beginningOf(question), ...words]) {
    await sleep(WORD_EVERY_MS);
    if (response.destroyed) return;
    response.write(delta(piece));
  }
  response.end(END);
};

/** Asks, and sometimes does not want to hear the end. Nobody waits for the answer: that there is one, and one only, is checked later. */
export async function askBot(asker: Device, until: number): Promise<void> {
  const { record } = asker;
  const text = `${asker.nextText()}?`;
  const question: Question = { by: asker, text, clientId: asker.nextClientId() };
  record.questions.push(question);
  for (const giveUpAt = until + 60_000; performance.now() < giveUpAt; await sleep(asker.pick([20, 100, 300]))) {
    const answer = await asker.emit({ chat_type: 'bot', message: text, client_id: question.clientId });
    if (answer?.ok) question.seq = answer.seq!;
    // Too many wait already: it is no use to try again at once.
    if (answer?.error?.code === 'busy') record.count('refused: busy');
    if (answer?.error?.code === 'busy' || !isPassing(answer)) break;
  }
  if (question.seq === undefined) return;
  record.count('asked the bot');
  if (asker.pick([...Array(100).keys()]) < STOPPED) await stop(asker, question, until);
}

async function stop(asker: Device, question: Question, until: number): Promise<void> {
  const { record } = asker;
  await sleep(asker.pick([0, 300, 900, 1_500]));
  question.isStopped = true;
  for (const giveUpAt = until + 60_000; performance.now() < giveUpAt; await sleep(200)) {
    const answer = await asker.emit({ question_seq: question.seq }, 'bot_stop');
    if (answer?.ok) {
      question.stoppedAt = { answer: await storedAnswer(asker, question) };
      record.count('stopped the bot');
      return;
    }
    if (!isPassing(answer)) {
      record.wrong.push(`${question.text} could not be stopped: ${answer?.error?.code}`);
      return;
    }
  }
  record.wrong.push(`${question.text} was not stopped a minute after the last fault`);
}

async function storedAnswer(asker: Device, { text, seq }: Question): Promise<string | undefined> {
  const { body } = await asker.ask('GET', `/http/chat_bot?after=${seq}`);
  const rows = body as { is_user: boolean; message: string }[];
  return rows.find(({ is_user, message }) => !is_user && message.startsWith(beginningOf(text)))?.message;
}
