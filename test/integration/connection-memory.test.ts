// What Socket.IO keeps of a connection's beginning, and nobody asks for again.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Publisher } from '../../src/sockets/publisher.js';
import { engineOf } from '../../src/sockets/transport/engine-io.js';
import type { ParleyServer } from '../../src/sockets/events.js';
import { TestApp } from '../support/app.js';
import { Person, send } from '../support/client.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start('sqlite');
});
afterAll(() => app.stop());

it('the request of a WebSocket is let go of, with its headers, once its socket is there', async () => {
  const requests: WeakRef<object>[] = [];
  const { server } = app.get(Publisher) as unknown as { server: ParleyServer };
  engineOf(server).on('connection', ({ request }) => void requests.push(new WeakRef(request!)));
  const ada = await Person.join(app, 'Ada');
  const socket = await ada.connect();
  const { user_id } = await send(socket, {});
  expect(user_id).toBe(ada.id);
  expect(requests).toHaveLength(1);
  // A reference that was read lives until the end of its turn.
  await expect
    .poll(() => {
      collect();
      return requests[0].deref();
    })
    .toBeUndefined();
  expect(socket.connected).toBe(true);
  ada.hangUp();
});
