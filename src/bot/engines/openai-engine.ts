import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { piecesOf } from './completion.js';
import { contextOf } from '../context.js';
import { type Asking, type BotEngine, BotUnavailable, type Turn } from './engine.js';
import { OpenRequest } from './open-request.js';

const TRIES = 3;

/** Milliseconds. */
const PATIENCE = {
  /** Until the server answers at all, for each try: a local model may have to be loaded first. */
  firstByte: 30_000,
  /** Between two chunks of the answer. */
  idle: 30_000,
  /** From the question to the end of the answer, all tries included. */
  whole: 120_000,
  /** Before the second try; twice as long before the third. */
  backoff: 500,
  /** A server that asks for more time than this (Retry-After) is not asked again. */
  longestRetryAfter: 5_000,
};

/** Refused, or closed before any of the answer came: the server restarts, or a kept-alive connection had gone stale. */
const PASSING = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** How much of a refusal is read, in UTF-16 units. */
const MAX_REFUSAL = 16_384;

export interface OpenAiOptions {
  /** Base URL of the API, with or without `/chat/completions`, and with or without a slash at its end. */
  url: string;
  model: string;
  apiKey: string | undefined;
  /** The system prompt. */
  prompt: string;
  /** Longest answer in tokens, thoughts included; undefined for the server's default. */
  maxTokens?: number | undefined;
  patience?: Partial<typeof PATIENCE>;
}

/**
 * Asks any server with OpenAI's chat completions. It is sent the prompt and the conversation, and nothing else about the user. The `openai`
 * package is not used: it needs Node 22, and is far larger than the one request made here.
 */
export class OpenAiEngine implements BotEngine {
  private readonly logger = new Logger('Bot');
  private readonly endpoint: URL;
  private readonly headers: Record<string, string>;
  private readonly patience: typeof PATIENCE;
  private readonly open = new Set<OpenRequest>();
  /** Learnt from the server's first refusal, by each node for itself. */
  private maxTokensField: 'max_tokens' | 'max_completion_tokens' = 'max_tokens';

  constructor(private readonly options: OpenAiOptions) {
    this.endpoint = new URL(options.url);
    this.endpoint.pathname = this.endpoint.pathname.replace(/\/*(\/chat\/completions\/*)?$/, '/chat/completions');
    this.headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream, application/json',
      ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
    };
    this.patience = { ...PATIENCE, ...options.patience };
  }

  async *answer(history: readonly Turn[], { signal }: Asking): AsyncGenerator<string> {
    signal.throwIfAborted();
    const request = new OpenRequest(signal, this.patience.whole);
    this.open.add(request);
    try {
      const response = await this.ask(history, request);
      yield* piecesOf(response, request, this.patience.idle);
      signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      throw this.explained(request.signal.aborted ? request.signal.reason : error);
    } finally {
      this.open.delete(request);
      request.end();
    }
  }

  async close(): Promise<void> {
    for (const request of this.open) request.end(new BotUnavailable('was not waited for: Parley is shutting down'));
  }

  /** Tries until the server begins to answer: after that, a repeat could show text twice. */
  private async ask(history: readonly Turn[], request: OpenRequest): Promise<Response> {
    const { firstByte, backoff, longestRetryAfter } = this.patience;
    const { model, prompt, maxTokens } = this.options;
    const messages = [{ role: 'system', content: prompt }, ...contextOf(history)];
    const { signal } = request;
    for (let tries = 1; ; tries++) {
      const body = JSON.stringify({ model, messages, stream: true, [this.maxTokensField]: maxTokens });
      // No redirect is followed: messages and the key are meant for the server in BOT_URL alone.
      const posted = fetch(this.endpoint, { method: 'POST', headers: this.headers, body, signal, redirect: 'manual' });
      const outcome = await request.within(firstByte, posted.catch(unreached));
      signal.throwIfAborted();
      if (outcome instanceof Response && outcome.ok) return outcome;

      if (outcome instanceof Response && (await this.wantsOtherField(outcome, request))) {
        tries--;
        continue;
      }
      const failure = outcome instanceof Response ? await refusal(outcome) : outcome;
      const { waitMs = backoff * 2 ** (tries - 1) * (0.5 + Math.random()) } = failure;
      if (!failure.mayPass || tries === TRIES || waitMs > longestRetryAfter) throw new BotUnavailable(failure.reason);
      await sleep(waitMs, undefined, { signal });
    }
  }

  /** OpenAI's newer models refuse `max_tokens`, and name the field that they take; other servers know only `max_tokens`. */
  private async wantsOtherField(response: Response, request: OpenRequest): Promise<boolean> {
    if (response.status !== 400 || this.maxTokensField !== 'max_tokens' || !response.body) return false;
    const reader = response.body.getReader();
    let text = '';
    const decoder = new TextDecoder();
    while (text.length < MAX_REFUSAL) {
      const { done, value } = await request.within(this.patience.idle, reader.read());
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
    if (!text.includes('max_completion_tokens')) return false;
    this.maxTokensField = 'max_completion_tokens';
    return true;
  }

  private explained(error: unknown): BotUnavailable {
    const unavailable =
      error instanceof BotUnavailable
        ? error
        : new BotUnavailable(`broke off in the middle of the answer (${codeOf(error)})`);
    this.logger.warn(`The server in BOT_URL (${this.endpoint.host}) ${unavailable.reason}.`);
    return unavailable;
  }
}

interface Failure {
  /** What the server did, for the log. */
  reason: string;
  mayPass: boolean;
  /** The pause that the server asked for. */
  waitMs?: number;
}

/** An error response. Its body is not read: servers repeat keys and texts in it. */
async function refusal(response: Response): Promise<Failure> {
  if (!response.bodyUsed && !response.body?.locked) await response.body?.cancel();
  const { status } = response;
  const waitMs = retryAfterMs(response.headers.get('retry-after'));
  return {
    reason: `answered ${status}${CURES[status] ?? ''}`,
    mayPass: status === 429 || status >= 500,
    ...(waitMs !== undefined && { waitMs }),
  };
}

const CURES: Record<number, string> = {
  301: ', a redirect: set BOT_URL to where it leads',
  302: ', a redirect: set BOT_URL to where it leads',
  307: ', a redirect: set BOT_URL to where it leads',
  308: ', a redirect: set BOT_URL to where it leads',
  401: ': check BOT_API_KEY',
  403: ': check BOT_API_KEY',
  404: ': check BOT_URL and BOT_MODEL (most URLs end in /v1)',
  405: ': check BOT_URL',
};

/** Milliseconds, from a header that gives seconds or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

const unreached = (error: unknown): Failure => {
  const code = codeOf(error);
  return { reason: `cannot be reached (${code})`, mayPass: PASSING.has(code) };
};

/** The error's code, and not its message, which may contain what was sent. */
function codeOf(error: unknown): string {
  const { code, name } = ((error as Error).cause ?? error) as { code?: string; name: string };
  return code ?? name;
}
