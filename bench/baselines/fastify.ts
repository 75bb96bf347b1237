// Fastify that sends a page of history from memory, byte for byte what Parley sends: nothing is read, checked or made into JSON.
import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';
import type { Page } from '../launches.js';

const { headers, body } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as Page;
const bytes = Buffer.from(body);

const app = fastify();
app.get('/http/chat_rooms/:id', (_request, reply) => reply.headers(headers).send(bytes));
await app.listen({ host: '127.0.0.1', port: 0 });
process.send!({ port: (app.server.address() as { port: number }).port });
