import type { Turn } from './engines/engine.js';
import { withoutThoughts } from './engines/thoughts.js';

/** Most code points of the conversation that are sent to a model, without the prompt. */
const CONTEXT_BUDGET = 8_000;

export interface ContextMessage {
  role: 'user' | 'assistant';
  content: string;
}

/**
 * The part of the conversation that is sent to a model: the last whole turns that fit, and the question in any case. Roles alternate,
 * beginning with the user's, as the templates of some models demand.
 */
export function contextOf(history: readonly Turn[]): ContextMessage[] {
  let room = CONTEXT_BUDGET;
  let first = history.length;
  while (first > 0) {
    room -= Array.from(history[first - 1]!.text).length;
    if (room < 0 && first < history.length) break;
    first--;
  }
  const messages: ContextMessage[] = [];
  for (const { isUser, text: said } of history.slice(first)) {
    // Answers may have been stored with the model's thoughts.
    const text = isUser ? said : withoutThoughts(said);
    if (!text) continue;
    const role = isUser ? 'user' : 'assistant';
    const last = messages.at(-1);
    // Two questions in a row: the bot could not answer the first.
    if (last?.role === role) last.content += `\n\n${text}`;
    // An answer whose question did not fit is left out.
    else if (last || isUser) messages.push({ role, content: text });
  }
  return messages;
}
