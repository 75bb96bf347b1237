// npm run demo: two people and a room to try, made the way people make them: through the API of the running server.
import 'reflect-metadata';
import { io } from 'socket.io-client';
import { ConfigError, type Config } from './config/config.js';
import { loadEnvironment } from './config/environment.js';
import { createApp } from './create-app.js';
import { StartError } from './database/start-error.js';
import type { RoomMessage } from './realtime/events.js';

const PASSWORD = 'parley demo';
const PEOPLE = [
  { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' },
  { email: 'alan@example.com', first_name: 'Alan', last_name: 'Turing' },
];
const TALK = ['Hello Alan, can you read this?', 'I can, Ada. Can machines?', 'This one stores it, at least.'];

class DemoError extends Error {}

type Json = Record<string, unknown>;

/** One request; the answer is what the server says it is. */
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

/** Logs somebody in; registers them first where they are new. */
async function join(base: string, person: (typeof PEOPLE)[number]): Promise<string> {
  const login = () =>
    call(`${base}/http/login`, {
      method: 'POST',
      body: { email: person.email, password: PASSWORD },
    });
  const known = await login();
  if (known.status === 200) return known.body.token;
  await call(`${base}/http/register`, { method: 'POST', body: { ...person, password: PASSWORD } });
  for (let attempt = 0; attempt < 50; attempt++) {
    const { status, body } = await call(`${base}/dev/mail`);
    if (status !== 200)
      throw new DemoError(
        'The demo reads its mails at /dev/mail, which is off: it needs a server without SMTP_URL, on localhost.',
      );
    const link = body.find(
      ({ to, links }: { to: string; links: string[] }) => to === person.email && links[0]?.includes('/http/register/'),
    )?.links[0];
    if (link) {
      await call(base + new URL(link).pathname);
      return (await login()).body.token;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new DemoError(`${person.email} has an account with another password. Use another DATA_DIR.`);
}

/** Sends the talk; the client_ids make a second run add nothing. Returns the room. */
async function talk(base: string, tokens: string[]): Promise<number> {
  const ids = await Promise.all(
    tokens.map(async (token) => (await call(`${base}/http/users/profile`, { token })).body.id),
  );
  const sockets = tokens.map((token) => io(base, { path: '/socket', auth: { token }, transports: ['websocket'] }));
  let room = 0;
  for (const [i, message] of TALK.entries()) {
    const speaker = i % 2;
    const stored = (await sockets[speaker].timeout(10_000).emitWithAck('message', {
      chat_type: 'room',
      other_user_id: ids[1 - speaker],
      message,
      client_id: `demo-${i}`,
    })) as RoomMessage;
    room = stored.chat_room_id;
  }
  for (const socket of sockets) socket.disconnect();
  return room;
}

/** The running server, or one of our own for as long as the demo needs it. */
async function server(config: Config): Promise<{ base: string; close: () => Promise<void> }> {
  const base = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${config.port}`;
  const isRunning = await fetch(`${base}/health/live`)
    .then(({ ok }) => ok)
    .catch(() => false);
  if (isRunning) return { base, close: () => Promise.resolve() };
  const app = await createApp(config);
  await app.listen(config.port, config.host);
  return { base, close: () => app.close() };
}

async function demo(): Promise<void> {
  const config = loadEnvironment();
  if (config.production)
    throw new DemoError('The demo makes accounts with a password that everybody knows. Not in production.');
  const { base, close } = await server(config);
  try {
    const tokens: string[] = [];
    for (const person of PEOPLE) tokens.push(await join(base, person));
    const room = await talk(base, tokens);
    console.log(
      [
        `Ready: ${PEOPLE.map(({ email }) => email).join(' and ')} share room ${room}. Their password is "${PASSWORD}".`,
        'Start the server (npm start) if it does not run, then read what they said:',
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
