import { eventually } from '../support/client.js';
import type { AppUser } from './app-user.js';
import { wrongBeside } from './beside.js';
import { answerTo, beginningOf } from './chat-with-bot.js';
import type { Actor } from './people.js';
import { botOf, groupOf, type Place, type Record, roomOf } from './record.js';
import { BOT, type Row, type ShownRow, storedIn } from './stored.js';

/** Longest time for which a node that heard nothing may go on delivering to somebody who was removed: see docs/protocol.md. */
const WINDOW_MS = 6_000;
/** Clocks of the database and of this process are the same; stamps of messages may be some milliseconds ahead. */
const STAMPS_AHEAD_MS = 100;
/** Until a client that was away has caught up. */
const CAUGHT_UP_WITHIN_MS = 60_000;

const isSameText = (stored: Row, text: string): boolean =>
  stored.isDeleted || stored.text === text || stored.text === `${text} (edited)` || `${stored.text} (edited)` === text;

/** Everything that is not as it must be, in words; nothing where all is well. Once everything is whole again. */
export async function check(
  databaseUrl: string,
  record: Record,
  place: Place,
  actors: readonly Actor[],
  appUsers: readonly AppUser[],
  groups: readonly number[],
): Promise<string[]> {
  // What waits in a client is written now.
  await Promise.all(appUsers.map((user) => user.settle()));
  const { chats, wrong } = await storedIn(databaseUrl);
  wrong.push(...record.wrong);
  for (const [chat, rows] of chats)
    for (const [i, row] of rows.entries())
      if (i > 0 && row.at < rows[i - 1].at) wrong.push(`${chat}: ${row.seq} is older than the one before it`);

  const byClientId = new Map<string, Row[]>();
  for (const row of [...chats.values()].flat()) {
    if (row.clientId === null) continue;
    const key = `${row.sender} ${row.clientId}`;
    byClientId.set(key, [...(byClientId.get(key) ?? []), row]);
  }
  for (const { by, chat, text, clientId, seq, isEdited, isDeleted } of record.sent) {
    const rows = byClientId.get(`${by.id} ${clientId}`) ?? [];
    const [row] = rows;
    if (rows.length > 1) wrong.push(`${text} is stored ${rows.length} times`);
    if (seq === undefined) continue;
    if (!row) wrong.push(`${text} was acknowledged as ${seq} of ${chat}, and is not stored`);
    else if (row.seq !== seq || row.chat !== chat || !isSameText(row, text))
      wrong.push(
        `${text} was acknowledged as ${seq} of ${chat}, and is stored as ${row.seq} of ${row.chat}: ${row.text}`,
      );
    else if (isDeleted && !row.isDeleted) wrong.push(`${text} was deleted, and is there`);
    else if (isEdited && !row.isDeleted && row.text !== `${text} (edited)`) wrong.push(`${text} lost its edit`);
  }

  for (const { userId, chat, seq, text, at, life } of record.heard) {
    const row = chats.get(chat)?.[seq - 1];
    if (!row || !isSameText(row, text)) {
      wrong.push(`user ${userId} got ${text} as ${seq} of ${chat}, where ${row ? row.text : 'nothing'} is stored`);
      continue;
    }
    const isBanned = record.bans.some(
      (ban) => ban.userId === userId && groupOf(ban.groupId) === chat && isWithin(row, ban),
    );
    // Also what was written before: it has to be here within the window, or not at all.
    const isBlocked = record.blocks.some(
      ({ by, of, from, to }) =>
        (by === userId || of === userId) &&
        row.sender !== userId &&
        roomOf(by, of) === chat &&
        at > from + WINDOW_MS &&
        at < to,
    );
    const hasEnded = row.at > wall(life.endedAt) + STAMPS_AHEAD_MS;
    if (place.wasAmiss(at - WINDOW_MS, at)) continue;
    if (hasEnded) wrong.push(`user ${userId} got ${text} of ${chat} in a session that had ended`);
    if (isBanned) wrong.push(`user ${userId} got ${text} of ${chat} while they were no member of it`);
    if (isBlocked) wrong.push(`user ${userId} got ${text} of ${chat} while one had blocked the other`);
  }
  wrong.push(...writtenAfterTheEnd(chats, record), ...wrongAnswers(chats, record));

  for (const user of appUsers) {
    for (const chat of user.chats.keys()) await compareTimeline(user, chat, chats.get(chat) ?? [], wrong);
  }
  wrong.push(...(await wrongBeside(databaseUrl, record, actors)));
  const listed = (await actors[0].ask('GET', '/http/users')).body as { id: number }[];
  for (const { id, name } of record.erased)
    if (listed.some((one) => one.id === id)) wrong.push(`${name} is listed, and was erased`);
  for (const actor of actors) {
    for (const groupId of groups)
      await compare(actor, `/http/chat_groups/${groupId}`, chats.get(groupOf(groupId))!, wrong);
    const { body } = (await actor.ask('GET', '/http/chat_rooms')) as {
      body: { id: number; other_user: { id: number } }[];
    };
    for (const { id, other_user } of body)
      await compare(actor, `/http/chat_rooms/${id}`, chats.get(roomOf(actor.id, other_user.id))!, wrong);
  }
  return wrong;
}

/** What ends, ends for sending with the answer, on every node, whatever is amiss. */
function writtenAfterTheEnd(chats: ReadonlyMap<string, readonly Row[]>, record: Record): string[] {
  const wrong: string[] = [];
  for (const ban of record.bans)
    for (const row of chats.get(groupOf(ban.groupId))!)
      if (row.sender === ban.userId && isWithin(row, ban))
        wrong.push(
          `user ${ban.userId} wrote ${row.text} to ${row.chat} at ${(row.at - performance.timeOrigin).toFixed(0)}, and was no member of it, ${when(ban)}`,
        );
  for (const block of record.blocks)
    for (const row of chats.get(roomOf(block.by, block.of)) ?? [])
      if (isWithin(row, block))
        wrong.push(
          `${row.text} was written in ${row.chat} at ${(row.at - performance.timeOrigin).toFixed(0)} while ${block.by} had blocked ${block.of}, ${when(block)}`,
        );
  for (const { id, name, at } of record.erased)
    for (const [chat, rows] of chats) {
      const isTheirs = chat.startsWith('room ') && chat.slice(5).split(':').map(Number).includes(id);
      for (const row of rows)
        if ((row.sender === id || isTheirs) && isWithin(row, { from: at, to: Infinity }))
          wrong.push(`${row.text} was written in ${chat} after ${name} was erased`);
    }
  return wrong;
}

/** Each question that is stored has one answer, the whole of it unless it was stopped; answers are in the order of the questions. */
function wrongAnswers(chats: ReadonlyMap<string, readonly Row[]>, record: Record): string[] {
  const wrong: string[] = [];
  const last = new Map<number, number>();
  for (const { by, text, clientId, seq, isStopped, stoppedAt } of record.questions) {
    const rows = chats.get(botOf(by.id)) ?? [];
    const question = rows.find((row) => row.clientId === clientId);
    if (seq !== undefined && question?.seq !== seq)
      wrong.push(`${text} was acknowledged as ${seq}, and is not stored so`);
    if (!question) continue;
    const answers = rows.filter((row) => row.sender === BOT && row.text.startsWith(beginningOf(text)));
    const [answer] = answers as (Row | undefined)[];
    if (answers.length > 1) wrong.push(`${text} has ${answers.length} answers`);
    if (!isStopped && answer?.text !== answerTo(text))
      wrong.push(`${text} has for an answer: ${answer?.text ?? 'none'}`);
    if (answer && !answerTo(text).startsWith(answer.text)) wrong.push(`${text} has a strange answer: ${answer.text}`);
    if (stoppedAt && stoppedAt.answer !== answer?.text)
      wrong.push(`${text} was stopped at “${stoppedAt.answer}”, and its answer is now “${answer?.text}”`);
    if (answer && answer.seq < (last.get(by.id) ?? 0)) wrong.push(`${text} was answered before an earlier question`);
    if (answer) last.set(by.id, answer.seq);
    for (const live of record.answered)
      if (live.userId === by.id && live.questionSeq === question.seq && live.answer !== answer?.text)
        wrong.push(`${text} was answered live with “${live.answer}”, and in the rows with “${answer?.text}”`);
  }
  return wrong;
}

/** Whether a client that was never told to catch up holds what is stored. */
async function compareTimeline(user: AppUser, chat: string, rows: readonly Row[], wrong: string[]): Promise<void> {
  const plain = ({ seq, text, isDeleted, quoted, reactions }: ShownRow): string =>
    JSON.stringify([seq, text, isDeleted, quoted, reactions]);
  const stored = JSON.stringify(rows.map(plain));
  const isSame = (): true | undefined => JSON.stringify(user.shown(chat).map(plain)) === stored || undefined;
  await eventually(isSame, 'the timeline', CAUGHT_UP_WITHIN_MS).catch(() => {
    const shown = user.shown(chat);
    const at = rows.findIndex((row, i) => !shown[i] || plain(shown[i]) !== plain(row));
    const there = at < 0 ? JSON.stringify(shown[rows.length]) : `${JSON.stringify(shown[at])} for ${plain(rows[at])}`;
    wrong.push(`${user.name} sees ${shown.length} messages of ${chat}, where ${rows.length} are stored: ${there}`);
  });
}

/** Whether a history, read page by page from whichever node, is what is stored. */
async function compare(actor: Actor, path: string, rows: readonly Row[], wrong: string[]): Promise<void> {
  const got: { seq: number }[] = [];
  for (let after = 0; ;) {
    const { status, body } = await actor.ask('GET', `${path}?after=${after}`);
    // Whoever is no member of it now finds nothing.
    if (status === 404) return;
    const page = body as { seq: number }[];
    if (page.length === 0) break;
    got.push(...page);
    after = page.at(-1)!.seq;
  }
  const isSame = got.length === rows.length && got.every(({ seq }, i) => seq === rows[i].seq);
  if (!isSame) wrong.push(`${actor.name} finds ${got.length} messages at ${path}, where ${rows.length} are stored`);
}

/** On the clock of the faults. */
const when = ({ from, to }: { from: number; to: number }): string => `${from.toFixed(0)} to ${to.toFixed(0)}`;
const isWithin = (row: Row, { from, to }: { from: number; to: number }): boolean =>
  row.at > wall(from) + STAMPS_AHEAD_MS && row.at < wall(to);
const wall = (at: number): number => (at === Infinity ? Infinity : performance.timeOrigin + at);
