import { createParser } from 'eventsource-parser';
import { isVisible } from '../../common/text/text.js';
import { BotUnavailable, MAX_ANSWER } from './engine.js';
import type { OpenRequest } from './open-request.js';
import { WithoutThoughts } from './thoughts.js';

/**
 * Most bytes of one answer. A stream wraps each few letters in some 300 bytes, and a model may write thoughts for long before its answer; an
 * endless one stops here.
 */
const MAX_BYTES = 16 * 1024 * 1024;

/** How long to wait for more after the model's end of the answer: the connection may stay open for no reason. */
const LINGER_MS = 5_000;

/** The content of one chunk: the text, and whether it is the last. */
interface Said {
  text: string;
  isDone: boolean;
}

const NOTHING: Said = { text: '', isDone: false };

/**
 * The pieces of text in a chat completion, whether the server streams or answers with one JSON object. The body shows which of the two it is:
 * servers, and proxies before them, do not agree on the content type. Thoughts are left out.
 * @throws BotUnavailable where it is neither, breaks off, or has no text
 */
export const piecesOf = (response: Response, request: OpenRequest, idleMs: number): AsyncGenerator<string> =>
  wellFormed(spoken(unwrapped(new Body(response, request, idleMs))));

async function* unwrapped(body: Body): AsyncGenerator<string> {
  const chunks = body.chunks();
  let start = '';
  while (!start) {
    const { done, value } = await chunks.next();
    if (done) throw new NoCompletion();
    start = value.trimStart();
  }
  if (start.startsWith('{')) yield* inObjects(start, chunks);
  // An HTML page, most likely.
  else if (start.startsWith('<')) throw new NoCompletion();
  else yield* streamed(start, chunks, body);
}

/** The body's text as it comes in, without a byte order mark; characters are complete, also where a chunk ends within one. */
class Body {
  constructor(
    private readonly response: Response,
    private readonly request: OpenRequest,
    /** Longest silence. */
    public patienceMs: number,
  ) {}

  async *chunks(): AsyncGenerator<string> {
    if (!this.response.body) return;
    const reader = this.response.body.getReader();
    const decoder = new TextDecoder();
    let bytes = 0;
    for (;;) {
      const { done, value } = await this.request.within(this.patienceMs, reader.read());
      if (done) break;
      bytes += value.length;
      if (bytes > MAX_BYTES) throw new BotUnavailable(`sent more than ${MAX_BYTES} bytes`);
      yield decoder.decode(value, { stream: true });
    }
    // The blank line behind the last event is sometimes missing; JSON does not mind one.
    yield `${decoder.decode()}\n\n`;
  }
}

async function* streamed(start: string, rest: AsyncIterable<string>, body: Body): AsyncGenerator<string> {
  const events: string[] = [];
  let isStream = false;
  const parser = createParser({
    onEvent: ({ data }) => void events.push(data),
    onComment: () => void (isStream = true),
  });
  let isDone = false;
  let hasText = false;
  try {
    for await (const chunk of concatenated(start, rest)) {
      parser.feed(chunk);
      for (const data of events.splice(0).flatMap(chunksIn)) {
        isStream = true;
        if (data === '[DONE]') return;
        const said = parse(data, hasText ? ['delta'] : ['delta', 'message']);
        // Not the end yet: some servers send `stop` in every chunk, so only [DONE] or the end of the stream counts.
        isDone ||= said.isDone;
        if (isDone) body.patienceMs = Math.min(body.patienceMs, LINGER_MS);
        if (!said.text) continue;
        hasText = true;
        yield said.text;
      }
    }
  } catch (error) {
    // The answer is complete: errors after it do not matter.
    if (!isDone) throw error;
  }
  if (!isStream) throw new NoCompletion();
  if (!isDone) throw new BotUnavailable('broke off in the middle of the answer');
}

async function* concatenated(start: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield start;
  yield* rest;
}

/** The chunks in an event's data: one, or one a line where a server leaves out the blank lines between its events. */
function chunksIn(data: string): string[] {
  const trimmed = data.trim();
  if (!trimmed.includes('\n') || isJson(trimmed)) return [trimmed];
  return trimmed.split('\n').map((line) => line.trim());
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The whole answer in one object, or a chunk in each line. */
async function* inObjects(start: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  let body = start;
  for await (const chunk of rest) body += chunk;
  for (const json of chunksIn(body)) yield parse(json, ['message', 'delta']).text;
}

class NoCompletion extends BotUnavailable {
  constructor(reason = 'answered with something that is no chat completion') {
    super(reason);
  }
}

/** @param parts the fields that may hold the text; the first one that is there counts */
function parse(json: string, parts: readonly ('delta' | 'message')[]): Said {
  // Pings come as an empty `data:`, or with a word: only an object can be a chunk.
  if (!json.startsWith('{')) return NOTHING;
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch {
    throw new NoCompletion();
  }
  const choice = firstOf(field(data, 'choices'));
  if (field(data, 'error') || field(choice, 'error') || field(data, 'object') === 'error')
    throw new NoCompletion('answered with an error');
  // Counts of tokens, results of filters and keep-alives come in chunks without choices.
  if (!choice) return NOTHING;
  const finish = field(choice, 'finish_reason');
  if (finish === 'error') throw new NoCompletion('answered with an error');
  const part = parts.map((name) => field(choice, name)).find((one) => one !== undefined && one !== null);
  return {
    // A refusal is an answer, too.
    text: textOf(field(part, 'content')) || textOf(field(part, 'refusal')),
    isDone: Boolean(finish) && finish !== 'null',
  };
}

const firstOf = (list: unknown): unknown => (Array.isArray(list) ? list[0] : undefined);

/** Content is a text, or a list of parts of which some are texts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => {
      if (typeof part === 'string') return part;
      const type = field(part, 'type') ?? 'text';
      const text = field(part, 'text');
      return (type === 'text' || type === 'output_text') && typeof text === 'string' ? text : '';
    })
    .join('');
}

const field = (thing: unknown, name: string): unknown =>
  typeof thing === 'object' && thing !== null ? (thing as Record<string, unknown>)[name] : undefined;

/** The text without thoughts. */
async function* spoken(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const thoughts = new WithoutThoughts();
  for await (const piece of pieces) yield thoughts.push(piece);
  yield thoughts.end();
}

/** The text in the form that BotEngine promises: no piece is empty or ends within a character, and all together are not too long. */
async function* wellFormed(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  let left = MAX_ANSWER;
  let isSeen = false;
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
    isSeen ||= isVisible(piece);
    const characters = Array.from(piece.toWellFormed());
    yield characters.slice(0, left).join('');
    left -= characters.length;
    if (left <= 0) break;
  }
  if (!isSeen) throw new BotUnavailable('answered nothing');
}
