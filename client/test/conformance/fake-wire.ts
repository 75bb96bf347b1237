import { type FakePerson, fakeServer } from '../../src/testing/index.js';
import { emailOf, type Told, type Wire, type WireOptions, type WirePerson, type WireSocket } from './wire.js';

const URL_OF_SERVER = 'http://localhost:3000';
/** How much time passes between two looks for a fact. */
const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 120_000;

/** The server in memory, by its two seams. */
export function fakeWire({ rates }: WireOptions): Wire {
  const server = fakeServer({ rates, url: URL_OF_SERVER });
  const people = new Map<number, FakePerson>();
  const dictation = dictate();
  server.botSays((question) => dictation.answer(question));
  const { fetch } = server.options;
  const ask: Wire['fetch'] = async (method, path, { token, body, headers } = {}) => {
    const response = await fetch!(URL_OF_SERVER + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authentication: token }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const [retryAfter, link] = [response.headers.get('retry-after'), response.headers.get('link')];
    return {
      status: response.status,
      body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
      ...(retryAfter !== null && { retryAfter }),
      ...(link !== null && { link }),
    };
  };
  const until: Wire['until'] = async (look, what) => {
    for (let waited = 0; waited <= PATIENCE_MS; waited += LOOK_EVERY_MS) {
      await server.pass(0);
      const answer = await look();
      if (answer !== undefined) return answer;
      await server.pass(LOOK_EVERY_MS);
    }
    throw new Error(`${what} did not happen within ${PATIENCE_MS} ms of the fake's time`);
  };
  return {
    person: async (firstName): Promise<WirePerson> => {
      const email = emailOf(firstName);
      const password = 'nobody knows';
      const person = server.person({ first_name: firstName, last_name: 'Lovelace', email, password });
      const { id } = person;
      people.set(id, person);
      // What is told of somebody new: nobody is there yet to hear it.
      await server.pass(1_100);
      const headers = { 'user-agent': 'test' };
      const { body } = await ask('POST', '/http/login', { body: { email, password }, headers });
      return { id, email, name: firstName, token: body.token };
    },
    fetch: ask,
    connect: async (token) => {
      const told: Told[] = [];
      const tell = (name: string, payload: unknown): void => void told.push({ name, payload });
      const device = server.device();
      let outcome: { refused?: unknown } | undefined;
      const transport = device.options.transport!(
        { url: URL_OF_SERVER, token, transports: ['websocket'] },
        {
          open: () => void (outcome = {}),
          event: tell,
          closed: (reason) => {
            if (outcome) tell('closed', null);
            else outcome = { refused: bodyOf(reason) };
          },
        },
      );
      const { refused } = await until(() => outcome, 'an answer to the handshake');
      if (refused) throw refused;
      return {
        told,
        emit: (event, payload, isTold = true) =>
          transport.emit(event, payload, 15_000).then((answer) => {
            if (isTold) tell('acknowledgement', answer);
            return answer;
          }),
        close: () => {
          transport.close();
          tell('closed', null);
        },
        drop: () => device.drop(),
      } satisfies WireSocket;
    },
    moment: () => server.pass(5),
    until,
    links: (email) => Promise.resolve(server.mails(email).map(({ links }) => new URL(links[0]).pathname)),
    subjects: (email) => Promise.resolve(server.mails(email).map(({ subject }) => subject)),
    later: (ms) => server.pass(ms),
    bot: dictation,
    freeze: (groupId, isFrozen = true) => Promise.resolve(server.freeze(groupId, isFrozen)),
    suspend: (userId, isSuspended = true) => Promise.resolve(server.suspend(people.get(userId)!, isSuspended)),
    resync: () => Promise.resolve(server.resync()),
    operate: (changed) => Promise.resolve(server.operate(changed)),
    invite: (uses) => Promise.resolve(server.invite(uses)),
    restart: () => Promise.resolve(server.restart()),
    end: () => Promise.resolve(),
  };
}

/** What the server said, of which a client keeps a ParleyError. */
const bodyOf = ({ code, message, fields, retry_after_ms }: any): object => ({
  code,
  message,
  ...(fields && { fields }),
  ...(retry_after_ms !== undefined && { retry_after: retry_after_ms / 1_000 }),
});

/** Says answers word for word as the test says, when the test says so. */
function dictate() {
  let asked = 0;
  let said: { text?: string; error?: Error }[] = [];
  let wake = (): void => {};
  const push = (one: { text?: string; error?: Error }): void => {
    said.push(one);
    wake();
  };
  return {
    asked: () => asked,
    say: (text: string) => push({ text }),
    end: () => push({}),
    fail: () => push({ error: new Error('hung up') }),
    answer: async function* (_question: string): AsyncGenerator<string> {
      asked++;
      said = [];
      for (;;) {
        const next = said.shift();
        if (!next) await new Promise<void>((resolve) => (wake = resolve));
        else if (next.error) throw next.error;
        else if (next.text === undefined) return;
        else yield next.text;
      }
    },
  };
}
