import { describe, expect, it } from 'vitest';
import { ParleyClient } from '../src/client.js';
import { memoryStorage } from '../src/storage.js';
import { fakeServer } from '../src/testing/index.js';

describe('a message that a program has named', () => {
  it('is the same message for the next process, where the first one ended before it heard of it', async () => {
    const server = fakeServer();
    const [bot, ada] = [server.person({ first_name: 'Bot' }), server.person({ first_name: 'Ada' })];
    const storage = memoryStorage();
    const first = await bot.client({ storage });
    await server.pass(0);
    server.offline();
    void first.room(ada.id).send('You said: one', { client_id: 're-1' });
    await server.pass(0);
    await first.close();

    server.online();
    const second = new ParleyClient(server.url, { ...server.options, storage });
    await second.resume();
    const again = second.room(ada.id).send('You said: one', { client_id: 're-1' });
    await server.pass(60_000);
    await expect(again).resolves.toMatchObject({ seq: 1, message: 'You said: one' });
    expect(server.messages({ type: 'room', user_id: ada.id }, bot)).toHaveLength(1);
    await second.close();
  });
});
