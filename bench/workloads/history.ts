// W4: the newest hundred messages of a long chat, over HTTP.
import { Agent, get } from 'node:http';
import { Durations, sleep } from '../stats.js';
import type { Subject } from '../subjects.js';
import { forSeconds, measured, type Window } from './measure.js';

export const CLIENTS = 16;
const WARM_UP_SECONDS = 1;

export interface HistoryResult {
  window: Window;
  /** Requests a second. */
  rate: number;
  latency: Durations;
}

export async function history(subject: Subject, seconds: number): Promise<HistoryResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const { historyRoomId, tokens } = subject.seeded;
  const options = {
    agent,
    port: subject.port,
    host: '127.0.0.1',
    path: `/http/chat_rooms/${historyRoomId}`,
    headers: { authentication: tokens[0] },
  };
  const latency = new Durations();
  let [isRunning, isCounting] = [true, false];
  const request = (): Promise<void> =>
    new Promise((resolve, reject) => {
      get(options, (response) => {
        let length = 0;
        response.on('data', (chunk: Buffer) => (length += chunk.length));
        response.on('end', () =>
          // A hundred messages of a hundred letters.
          response.statusCode === 200 && length > 10_000
            ? resolve()
            : reject(new Error(`${response.statusCode}, ${length} bytes`)),
        );
      }).on('error', reject);
    });
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (isRunning) {
      const start = performance.now();
      await request();
      if (isCounting) latency.add(performance.now() - start);
    }
  });
  await sleep(WARM_UP_SECONDS * 1000);
  isCounting = true;
  const window = await measured(subject, forSeconds(seconds));
  isCounting = false;
  isRunning = false;
  await Promise.all(clients);
  agent.destroy();
  return { window, rate: latency.count / window.seconds, latency };
}
