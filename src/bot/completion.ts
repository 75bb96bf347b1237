import { createParser } from 'eventsource-parser';
import { BotUnavailable, MAX_ANSWER } from './engine.js';
import type { OpenRequest } from './open-request.js';

/**
 * What one answer may weigh. A stream wraps each few letters in some 300 bytes, and a model may think aloud for long before it
 * speaks; what has no end at all stops here.
 */
const MAX_BYTES = 16 * 1024 * 1024;

/** What the wire format says in one place: the text, and whether the model says that it is done. */
interface Said {
  text: string;
  isDone: boolean;
}

/**
 * The pieces of text in a chat completion, whether the server streams or answers with one JSON object.
 * @throws BotUnavailable where it is neither, breaks off, or holds no text
 */
export function piecesOf(response: Response, request: OpenRequest, idleMs: number): AsyncGenerator<string> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  const text = decoded(response, request, idleMs);
  if (type === 'text/event-stream') return wellFormed(streamed(text));
  if (type === 'application/json') return wellFormed(inOneObject(text));
  throw new NoCompletion();
}

/** The body's text as it comes in; characters whose bytes were torn apart are whole again. */
async function* decoded(response: Response, request: OpenRequest, idleMs: number): AsyncGenerator<string> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  for (;;) {
    const { done, value } = await request.within(idleMs, reader.read());
    if (done) break;
    bytes += value.length;
    if (bytes > MAX_BYTES) throw new BotUnavailable(`sent more than ${MAX_BYTES} bytes`);
    yield decoder.decode(value, { stream: true });
  }
  // The blank line behind the last event is sometimes missing; JSON does not mind one.
  yield `${decoder.decode()}\n\n`;
}

async function* streamed(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  let isDone = false;
  try {
    for await (const chunk of chunks) {
      parser.feed(chunk);
      for (const data of events.splice(0)) {
        if (data === '[DONE]') return;
        const said = parse(data, 'delta');
        // No end yet: some servers say `stop` in every chunk, so that only [DONE] or the end of the stream can be believed.
        isDone ||= said.isDone;
        if (said.text) yield said.text;
      }
    }
  } catch (error) {
    // All was said: that the connection then hangs or breaks is no loss.
    if (!isDone || error instanceof NoCompletion) throw error;
  }
  if (!isDone) throw new BotUnavailable('broke off in the middle of the answer');
}

async function* inOneObject(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let body = '';
  for await (const chunk of chunks) body += chunk;
  yield parse(body, 'message').text;
}

class NoCompletion extends BotUnavailable {
  constructor(reason = 'answered with something that is no chat completion') {
    super(reason);
  }
}

function parse(json: string, part: 'delta' | 'message'): Said {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch {
    throw new NoCompletion();
  }
  if (field(data, 'error')) throw new NoCompletion('answered with an error');
  const choices = field(data, 'choices');
  if (!Array.isArray(choices)) throw new NoCompletion();
  // Servers that count tokens or filter content say so in a chunk without choices.
  if (choices.length === 0 && part === 'delta') return { text: '', isDone: false };
  const text = field(field(choices[0], part), 'content') ?? '';
  if (typeof text !== 'string') throw new NoCompletion();
  return { text, isDone: Boolean(field(choices[0], 'finish_reason')) };
}

const field = (thing: unknown, name: string): unknown =>
  typeof thing === 'object' && thing !== null ? (thing as Record<string, unknown>)[name] : undefined;

/** The same text as BotEngine promises it: no piece is empty or ends within a character, and all together are not too long. */
async function* wellFormed(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  let left = MAX_ANSWER;
  for await (const next of pieces) {
    let piece = held + next;
    held = '';
    if (left === MAX_ANSWER) piece = piece.trimStart();
    // Half of a surrogate pair waits for its other half.
    if (/[\ud800-\udbff]$/.test(piece)) {
      held = piece.slice(-1);
      piece = piece.slice(0, -1);
    }
    if (!piece) continue;
    const characters = Array.from(piece.toWellFormed());
    yield characters.slice(0, left).join('');
    left -= characters.length;
    if (left <= 0) return;
  }
  if (left === MAX_ANSWER) throw new BotUnavailable('answered nothing');
}
