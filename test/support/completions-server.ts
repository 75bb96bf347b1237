import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CompletionRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: { model: string; stream: boolean; messages: { role: string; content: string }[] };
}

export type Behaviour = (response: ServerResponse, request: CompletionRequest) => void | Promise<void>;

/** A server that speaks the wire format of OpenAI's chat completions, well or badly. */
export class CompletionsServer {
  readonly requests: CompletionRequest[] = [];
  private behaviours: Behaviour[] = [];

  private constructor(
    private readonly server: Server,
    /** What goes into BOT_URL. */
    readonly url: string,
  ) {}

  static async start(): Promise<CompletionsServer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const completions = new CompletionsServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    server.on('request', (request, response) => void completions.answer(request, response));
    return completions;
  }

  /** How the next requests are answered, one after the other; the last way stays. */
  behave(...behaviours: Behaviour[]): void {
    this.behaviours = behaviours;
    this.requests.length = 0;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body: JSON.parse(body) };
    this.requests.push(received);
    const behave = this.behaviours.length > 1 ? this.behaviours.shift()! : this.behaviours[0];
    await behave(response, received);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const sse = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** One event of a stream. */
export const delta = (content: string | null, finishReason: string | null = null): string =>
  sse({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: finishReason }] });

export const END = delta(null, 'stop') + sse('[DONE]');

export const begin = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });

/** Streams an answer as it should be. */
export const streams =
  (...pieces: string[]): Behaviour =>
  (response) =>
    void begin(response).end(
      sse({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }) +
        pieces.map((piece) => delta(piece)).join('') +
        END,
    );

/** Anything at all. */
export const sends =
  (status: number, headers: Record<string, string>, body = ''): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body);

/** Streams answers word for word as the test says, when the test says so. */
export class Dictation {
  private readonly responses: ServerResponse[] = [];
  /** What was asked, in order. */
  readonly questions: string[] = [];

  readonly behaviour: Behaviour = (response, { body }) => {
    begin(response).flushHeaders();
    this.responses.push(response);
    this.questions.push(body.messages.at(-1)!.content);
  };

  say(text: string): void {
    this.responses.at(-1)!.write(delta(text));
  }

  end(): void {
    this.responses.at(-1)!.end(END);
  }

  hangUp(): void {
    this.responses.at(-1)!.destroy();
  }

  /** The one who asked last has hung up before the end. */
  get isAbandoned(): boolean {
    return this.wasAbandoned(-1);
  }

  /** The same of the one who asked as number `index`, from 0. */
  wasAbandoned(index: number): boolean {
    const { destroyed, writableEnded } = this.responses.at(index)!;
    return destroyed && !writableEnded;
  }
}
