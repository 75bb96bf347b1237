import type { Scenario } from './scenarios.js';

/** Steps 4 and 5 of docs/protocol.md. */
export const BOT: readonly Scenario[] = [
  {
    name: 'the bot answers, and is heard while it speaks',
    play: async (scene) => {
      const [[ada, a], [, other]] = await scene.online('Ada', 'Alan');
      const { bot } = scene.wire;
      await scene.get(ada, '/http/chat_bot');
      const second = await scene.connect(ada);
      await scene.send(a, { chat_type: 'bot', message: 'Hello', client_id: 'q1' });
      await scene.wire.until(() => bot.asked() === 1 || undefined, 'the question');
      bot.say('Once upon');
      await a.hears('bot_delta', { question_seq: 1 });
      const late = await scene.connect(ada);
      await late.hears('bot_delta', { offset: 0 });
      await second.hears('bot_delta', { offset: 0 });
      bot.say(' a time');
      await a.hears('bot_delta', { offset: 9 });
      await late.hears('bot_delta', { offset: 9 });
      await second.hears('bot_delta', { offset: 9 });
      bot.end();
      await a.hears('message', { chat_type: 'bot' });
      await scene.send(a, { chat_type: 'bot', message: 'Hello', client_id: 'q1' });
      await scene.send(a, { chat_type: 'bot', message: 'Other', client_id: 'q1' });
      await scene.send(other, { chat_type: 'bot', message: ' ' });
      for (const path of ['chat_bot', 'chat-bot?limit=1', 'chat_bot?after=1', 'chat_bot?before=x'])
        await scene.get(ada, `/http/${path}`);
      await scene.get(ada, '/http/notifications');
    },
  },
  {
    name: 'the bot fails, is stopped, and answers in order',
    play: async (scene) => {
      const [[ada, a]] = await scene.online('Ada');
      const { bot } = scene.wire;
      const asked = (count: number): Promise<true> =>
        scene.wire.until(() => bot.asked() === count || undefined, `question ${count}`);
      const ask = (message: string): Promise<any> => scene.send(a, { chat_type: 'bot', message, client_id: message });
      await ask('one');
      await asked(1);
      bot.say('I was about to');
      await a.hears('bot_delta', { question_seq: 1 });
      bot.fail();
      await a.hears('exception', { code: 'bot_unavailable' });
      await ask('two');
      await asked(2);
      for (const message of ['three', 'four', 'five', 'six', 'seven']) await ask(message);
      bot.say('What I said');
      await a.hears('bot_delta', { question_seq: 2 });
      // One that waits, the one that is answered, and what is no question.
      await scene.emit(a, 'bot_stop', { question_seq: 4 });
      await scene.emit(a, 'bot_stop', { question_seq: 2 });
      await scene.emit(a, 'bot_stop', { question_seq: 2 });
      for (const question_seq of [99, 'x', 0]) await scene.emit(a, 'bot_stop', { question_seq });
      await asked(3);
      bot.say('The third');
      // On a fast machine, what was said at the very end is told by the answer alone.
      await a.hears('bot_delta', { question_seq: 3 });
      bot.end();
      await a.hears('message', { messages: [{ message: 'three' }] });
      await asked(4);
      await scene.emit(a, 'bot_stop', { question_seq: 5 });
      await asked(5);
      bot.say('The last');
      await a.hears('bot_delta', { question_seq: 6 });
      bot.end();
      await a.hears('message', { messages: [{ message: 'six' }] });
      await scene.get(ada, '/http/chat_bot');
    },
  },
];
