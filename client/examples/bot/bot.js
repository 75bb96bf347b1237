import { ParleyClient, ParleyError } from 'parley-client';
import { fileStorage } from 'parley-client/node';

/*
 * Answers everybody who writes to it directly, once, however often it is stopped, killed or cut off:
 *
 *   PARLEY_URL=http://localhost:3000 PARLEY_TOKEN=… node bot.js
 *
 * The token is what POST /http/login answers. The file holds what was not sent yet, and how far it has read.
 */

const { PARLEY_URL = 'http://localhost:3000', PARLEY_TOKEN, BOT_FILE = 'bot.json' } = process.env;
if (!PARLEY_TOKEN) throw new Error('PARLEY_TOKEN is missing: the token of the account that the bot speaks for.');

/** What your bot has to say; this one counts. */
function answer(text) {
  const words = text.trim().split(/\s+/).length;
  return `${words} ${words === 1 ? 'word' : 'words'}.`;
}

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort());

const parley = new ParleyClient(PARLEY_URL, { storage: fileStorage(BOT_FILE) });
try {
  const me = await parley.useToken(PARLEY_TOKEN);
  console.log(`${me.first_name} listens.`);
  for await (const { chat, message } of parley.incoming({ signal: ending.signal })) {
    // In groups a bot had better be called by its name first.
    if (chat.ref.type !== 'room') continue;
    try {
      // The name makes it once: if this was sent before a crash, it is the same message.
      await chat.send(answer(message.message), { client_id: `re-${message.seq}`, signal: ending.signal });
    } catch (error) {
      // Blocked, say. What may work later has been tried until it did.
      if (!ParleyError.is(error) || ending.signal.aborted) continue;
      console.error(`No answer to ${chat.key}: ${error.message}`);
    }
  }
} finally {
  // Ends when everything is on the disk. The session lives on.
  await parley.close();
}
