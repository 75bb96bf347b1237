// npm run demo: two people, a room, a group and a chat with the bot to try, made the way people make them: through the API of the running server.
import 'reflect-metadata';
import { io, type Socket } from 'socket.io-client';
import { appUrlOf } from './config/app-url.js';
import { ConfigError, type Config } from './config/config.js';
import { makePrivateFiles } from './config/file-modes.js';
import { loadEnvironment } from './config/environment.js';
import { createApp } from './create-app.js';
import { StartError } from './common/start-error.js';
import type { Refused, Stored } from './sockets/events.js';

const PASSWORD = 'parley demo';
const PEOPLE = [
  { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' },
  { email: 'alan@example.com', first_name: 'Alan', last_name: 'Turing' },
] as const;
const TALK = ['Hello Alan, can you read this?', 'I can, Ada. Can machines?', 'This one stores it, at least.'];

const GROUP = 'Analytical Engines';
const GROUP_TALK = ['Welcome to the group.', 'Glad to be in.'];

class DemoError extends Error {}

type Json = Record<string, unknown>;

/** One request, with its answer as JSON. */
async function call(
  url: string,
  given: { method?: string; body?: Json; token?: string } = {},
  // oxlint-disable-next-line typescript/no-explicit-any -- a script that trusts its own server
): Promise<{ status: number; body: any }> {
  const response = await fetch(url, {
    method: given.method ?? 'GET',
    headers: {
      ...(given.body && { 'content-type': 'application/json' }),
      ...(given.token && { authentication: given.token }),
    },
    ...(given.body && { body: JSON.stringify(given.body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** Logs a user in, who is registered first where they are new. */
async function join(base: string, person: (typeof PEOPLE)[number]): Promise<string> {
  const login = () =>
    call(`${base}/http/login`, {
      method: 'POST',
      body: { email: person.email, password: PASSWORD },
    });
  const known = await login();
  if (known.status === 200) return known.body.token;
  await call(`${base}/http/register`, { method: 'POST', body: { ...person, password: PASSWORD } });
  const link = await eventually(() => newestLink(base, person.email));
  if (!link) throw new DemoError(`${person.email} has an account with another password. Use another DATA_DIR.`);
  await call(base + new URL(link).pathname);
  return (await login()).body.token;
}

async function newestLink(base: string, email: string): Promise<string | undefined> {
  const { status, body } = await call(`${base}/dev/mail`);
  if (status !== 200) {
    throw new DemoError(
      'The demo reads its mails at /dev/mail, which is off: it needs a server without SMTP_URL, on localhost.',
    );
  }
  const isIt = ({ to, links }: { to: string; links: string[] }) =>
    to === email && links[0]?.includes('/http/register/');
  return body.find(isIt)?.links[0];
}

/** Tries for some seconds until there is an answer. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

type Chat =
  { chat_type: 'room'; other_user_id: number } | { chat_type: 'group'; chat_group_id: number } | { chat_type: 'bot' };

/** Sends a message, once: by its client_id, a second run adds nothing. */
async function say(socket: Socket, chat: Chat, message: string, name: string): Promise<Stored> {
  const answer = (await socket
    .timeout(10_000)
    .emitWithAck('message', { ...chat, message, client_id: `demo-${name}` })) as Stored | Refused;
  if (!answer.ok) throw new DemoError(`The server refused the demo's messages: ${answer.error.message}`);
  return answer;
}

/** Fills a room, a group and the chat with the bot. @returns the ids of the first two */
async function talk(base: string, tokens: string[]): Promise<{ room: number; group: number }> {
  const people = await Promise.all(
    tokens.map(async (token) => {
      const id: number = (await call(`${base}/http/users/profile`, { token })).body.id;
      return { token, id };
    }),
  );
  const speakers = people.map(({ token, id }) => ({
    token,
    id,
    socket: io(base, { path: '/socket', auth: { token }, transports: ['websocket'] }),
  }));
  const [ada, alan] = speakers;
  if (!ada || !alan) throw new Error('It takes two to talk.');
  let room = 0;
  for (const [i, message] of TALK.entries()) {
    const [speaker, other] = i % 2 === 0 ? [ada, alan] : [alan, ada];
    const chat = { chat_type: 'room', other_user_id: other.id } as const;
    room = (await say(speaker.socket, chat, message, `room-${i}`)).chat_room_id!;
  }
  const group = await ownGroup(base, ada.token);
  for (const [i, message] of GROUP_TALK.entries()) {
    const { token, socket } = i === 0 ? ada : alan;
    await call(`${base}/http/chat_groups/${group}`, { method: 'POST', body: { is_enter: true }, token });
    await say(socket, { chat_type: 'group', chat_group_id: group }, message, `group-${i}`);
  }
  await say(ada.socket, { chat_type: 'bot' }, 'Hello! What can you do?', 'bot');
  await eventually(
    async () => (await call(`${base}/http/chat_bot`, { token: ada.token })).body.length > 1 || undefined,
  );
  for (const { socket } of speakers) socket.disconnect();
  return { room, group };
}

async function ownGroup(base: string, token: string): Promise<number> {
  const groups: { id: number; name: string }[] = (await call(`${base}/http/chat_groups`, { token })).body;
  const known = groups.find(({ name }) => name === GROUP);
  return (
    known?.id ??
    (await call(`${base}/http/chat_groups`, { method: 'POST', body: { chat_group_name: GROUP }, token })).body.id
  );
}

/** The running server, or one of our own for as long as the demo needs it. */
async function server(config: Config): Promise<{ base: string; close: () => Promise<void> }> {
  const base = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${config.port}`;
  const isRunning = await fetch(`${base}/health/live`)
    .then(({ ok }) => ok)
    .catch(() => false);
  if (isRunning) return { base, close: () => Promise.resolve() };
  const app = await createApp(config);
  app.enableShutdownHooks();
  await app.listen(config.port, config.host);
  return { base, close: () => app.close() };
}

async function demo(): Promise<void> {
  makePrivateFiles();
  const config = loadEnvironment();
  if (config.production)
    throw new DemoError('The demo makes accounts with a password that everybody knows. Not in production.');
  const { base, close } = await server(config);
  try {
    const tokens: string[] = [];
    for (const person of PEOPLE) tokens.push(await join(base, person));
    const { room, group } = await talk(base, tokens);
    const app = appUrlOf(config);
    console.log(
      [
        `Ready: ${PEOPLE.map(({ email }) => email).join(' and ')} share room ${room} and group ${group}, and Ada has asked the bot. Their password is "${PASSWORD}".`,
        `Start the server (npm start) if it does not run${app === undefined ? '' : `, and log in at ${app}`}. Or read what they said:`,
        `  TOKEN=$(curl -s ${config.publicUrl}/http/login -H 'content-type: application/json' -d '{"email":"${PEOPLE[0].email}","password":"${PASSWORD}"}' | node -pe 'JSON.parse(fs.readFileSync(0)).token')`,
        `  curl -s ${config.publicUrl}/http/chat_rooms/${room} -H "authentication: $TOKEN"`,
      ].join('\n'),
    );
  } finally {
    await close();
  }
}

demo().then(
  () => process.exit(0),
  (error: Error) => {
    const isTheirs = error instanceof DemoError || error instanceof ConfigError || error instanceof StartError;
    console.error(isTheirs ? error.message : error);
    process.exit(1);
  },
);
