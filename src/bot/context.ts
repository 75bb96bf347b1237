import type { Turn } from './engines/engine.js';
import { withoutThoughts } from './engines/thoughts.js';

/** Code points of the conversation that a model is given, the prompt not counted. */
const CONTEXT_BUDGET = 8_000;

export interface ContextMessage {
  role: 'user' | 'assistant';
  content: string;
}

/**
 * What a model is told of the conversation: the last turns that fit the budget, whole, and the question in any case. Roles
 * alternate, beginning with the person's, as some models' templates demand.
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
    // Answers of earlier versions were stored with what the model had thought.
    const text = isUser ? said : withoutThoughts(said);
    if (!text) continue;
    const role = isUser ? 'user' : 'assistant';
    const last = messages.at(-1);
    // Two in a row: the bot could not answer the first.
    if (last?.role === role) last.content += `\n\n${text}`;
    // An answer whose question did not fit is left out.
    else if (last || isUser) messages.push({ role, content: text });
  }
  return messages;
}
