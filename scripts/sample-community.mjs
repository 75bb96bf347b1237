// People who have talked, and what became of it: what the pictures of the web client show.
import { setTimeout as sleep } from 'node:timers/promises';
import { ParleyClient } from 'parley-client';
import { joinServer, PASSWORD } from './sample-server.mjs';

const PEOPLE = [
  ['ada', 'Ada', 'Lovelace'],
  ['alan', 'Alan', 'Turing'],
  ['grace', 'Grace', 'Hopper'],
  ['katherine', 'Katherine', 'Johnson'],
  ['charles', 'Charles', 'Babbage'],
  ['noura', 'نورة', 'السالم'],
  ['hedy', 'Hedy', 'Lamarr'],
];
/** People who have talked. @returns their ids, and those of the groups */
export async function populate(url) {
  const clients = {};
  const ids = {};
  for (const [name, first_name, last_name] of PEOPLE) {
    const client = await joinServer(url, { email: `${name}@example.com`, first_name, last_name });
    ids[name] = client.auth.get().me.id;
    clients[name] = client;
  }
  const { ada, alan, grace, katherine, charles, noura, hedy } = clients;
  const say = (from, to, text) => from.room(ids[to]).send(text);
  const wrong = await say(hedy, 'ada', 'oh, the wrong window');
  await hedy.room(ids.ada).delete(wrong.seq);
  await say(noura, 'ada', 'شكرًا، أراك غدًا');
  const letters = await charles.groups.create({ name: 'Letters to Babbage', is_private: true });
  await letters.send('The postage alone!');
  await say(grace, 'ada', 'Did you find it?');
  await say(ada, 'grace', 'it was a moth, of all things');
  await say(ada, 'alan', 'Hello Alan, can you read this?');
  await say(alan, 'ada', 'I can, Ada. Can machines?');
  alan.room(ids.ada).attach();
  alan.room(ids.ada).seen(1);
  await say(ada, 'alan', 'This one stores it, at least.');
  await say(
    alan,
    'ada',
    '> It might act upon other things besides number.\n\nYou wrote that a hundred years before me. I only supplied the tape.',
  );
  await say(alan, 'ada', 'Meet at the station? The 11:05 is usually on time.');
  const group = await ada.groups.create({ name: 'Analytical Engines', is_private: true });
  const id = group.ref.group_id;
  for (const name of ['alan', 'grace', 'katherine', 'noura', 'hedy']) await group.add(ids[name]);
  const inGroup = async (who, text, options) => {
    await sleep(100);
    return who.group(id).send(text, options);
  };
  await inGroup(grace, 'The punched cards for the second mill arrived. Two are upside down.');
  await inGroup(grace, 'I marked them with a pencil: turn, do not fold.');
  const edited = await inGroup(ada, 'Folding one of them is how we lost the Bernoulli numbers');
  await group.edit(edited.seq, 'Folding one of them is how we lost the Bernoulli numbers last time');
  await inGroup(
    alan,
    'I wrote the loop down so that we can argue about it:\n\n```js\nfor (const card of deck) {\n  if (card.isUpsideDown) turn(card); // never fold\n  mill.feed(card);\n}\n```\n\nIt stops when the deck is empty. Whether it *must* stop is another question.',
  );
  await inGroup(noura, 'قرأتها مرتين، الحلقة واضحة تمامًا.');
  await inGroup(ada, 'Good. I will ask the helper for a plan and bring it here: https://engine.example/notes/g');
  for (const who of [alan, grace, katherine]) await who.group(id).attach().ready;
  const orbit = await inGroup(katherine, 'The orbit of the governor closes after 41 turns. I checked twice.');
  await inGroup(grace, 'Then 41 cards are enough, and we keep one spare.', { reply_to: orbit.seq });
  for (const [who, emoji] of [
    [ada, '🎉'],
    [alan, '🎉'],
    [grace, '🎉'],
    [noura, '👍'],
  ])
    await who.group(id).react(orbit.seq, emoji);
  await inGroup(grace, 'If the spare tears, then we cut the cards by hand.');
  await charles.group(id).askToJoin();
  await ada.bot.ask('hello').done;
  await ada.bot.ask('What can you do?').done;
  await sleep(1_500);
  await ada.close();
  return { url, ids, group: id, letters: letters.ref.group_id, others: clients };
}

/** Ada has favourites, a mute and an archive, and is named while she is away. */
export async function arrange({ url, ids, group, others: { alan, grace, charles } }) {
  // Until then whoever has just closed a page counts as somebody who looks.
  await sleep(7_000);
  const ada = new ParleyClient(url, { page: null, tabs: null });
  await ada.login('ada@example.com', PASSWORD);
  const station = await grace.groups.create({ name: 'Station committee' });
  for (const name of ['ada', 'alan', 'charles']) await station.add(ids[name]);
  const { group_id } = station.ref;
  await station.send('@everyone: the 11:05 is the last one on Sunday.', { mentions: { everyone: true } });
  await sleep(100);
  await charles.group(group_id).send('And late, as ever.');
  await alan.group(group).send('@Ada Lovelace, will you bring the spare card?', {
    mentions: { user_ids: [ids.ada] },
  });
  const { seq } = await ada.room(ids.grace).send('Which one?');
  await grace.room(ids.ada).send('The one in the third relay.', { reply_to: seq });
  const walkers = await ada.groups.create({ name: 'Sunday walk' });
  for (const name of ['alan', 'grace', 'noura', 'charles']) await walkers.add(ids[name]);
  await ada.group(group).setSettings({ is_favourite: true });
  await ada.room(ids.alan).setSettings({ is_favourite: true });
  await ada.group(group_id).setSettings({ muted_until: new Date('9999-01-01') });
  await ada.room(ids.hedy).setSettings({ is_archived: true });
  await ada.room(ids.noura).setSettings({ is_archived: true });
  await ada.close();
}

/** A quarrel, and those who run the server end it. */
export async function moderate({ ids, others: { charles, hedy } }, admin) {
  const quarrel = await charles.groups.create({ name: 'Steam or electricity' });
  for (const name of ['ada', 'hedy']) await quarrel.add(ids[name]);
  const { group_id } = quarrel.ref;
  await quarrel.send('Steam. There is nothing to discuss.');
  await sleep(100);
  await hedy.group(group_id).send('There is, and it hums.');
  await sleep(100);
  await quarrel.send('It hums because it is broken, like everything that you build.');
  await admin('PATCH', `groups/${group_id}`, { is_frozen: true, reason: 'a quarrel' });
}
