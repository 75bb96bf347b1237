// W4: a hundred messages of a long chat, over HTTP: the newest, as all ask for whom a chat is open, and any, as nobody asks for twice.
import { Agent, get } from 'node:http';
import { Durations, sleep } from '../stats.js';
import { forSeconds, measured, percentiles, WARM_UP_SECONDS, type Workload } from './measure.js';

const CLIENTS = 16;
/** A hundred messages of a hundred letters are longer. */
const SHORTEST = 10_000;

/** The newest page. @param stored messages in the chat */
export const history = (stored: number): Workload => pages(`W4 last 100 of ${stored.toLocaleString('en')}`, () => '');

/** Any page, of as many different ones as there are messages. @param stored messages in the chat */
export const anyHistory = (stored: number): Workload =>
  pages(
    `W4 any 100 of ${stored.toLocaleString('en')}`,
    () => `?before=${101 + Math.floor(Math.random() * (stored - 100))}`,
  );

const pages = (work: string, query: () => string): Workload => ({
  family: 'W4',
  work,
  suits: ({ isParley, name }) => isParley || name === 'fastify',
  async measure(subject, seconds) {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const { historyRoomId, tokens } = subject.seeded;
    const options = {
      agent,
      port: subject.port,
      host: '127.0.0.1',
      path: `/http/chat_rooms/${historyRoomId}`,
      headers: { authentication: tokens[0] },
    };
    const request = (): Promise<void> =>
      new Promise((resolve, reject) => {
        get({ ...options, path: options.path + query() }, (response) => {
          let length = 0;
          response.on('data', (chunk: Buffer) => (length += chunk.length));
          response.on('end', () => {
            if (response.statusCode === 200 && length > SHORTEST) resolve();
            else reject(new Error(`${subject.label}: ${response.statusCode}, ${length} bytes`));
          });
        }).on('error', reject);
      });
    const latency = new Durations();
    let [isRunning, isCounting] = [true, false];
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (isRunning) {
        const start = performance.now();
        await request();
        if (isCounting) latency.add(performance.now() - start);
      }
    });
    const asked = Promise.all(clients);
    // A failure is thrown where it is awaited, below.
    asked.catch(() => (isRunning = false));
    await sleep(WARM_UP_SECONDS * 1000);
    const window = await measured(subject, async () => {
      isCounting = true;
      await forSeconds(seconds)();
      isCounting = false;
    });
    isRunning = false;
    await asked;
    agent.destroy();
    return {
      'requests/s': latency.count / window.seconds,
      'µs CPU each': (window.cpu / latency.count) * 1e6,
      ...percentiles(latency),
      ...window.load,
    };
  },
});
