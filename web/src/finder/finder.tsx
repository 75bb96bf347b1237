import { useComputed, useSignal } from '@preact/signals';
import type { ChatRef, ChatSummary, GroupInfo, User } from 'parley-client';
import { fromStore } from 'parley-client/signals';
import { fullName, plural } from '../format.js';
import { Dialog } from '../parts/dialog.js';
import { ChatFace, FaceOf } from '../parts/face.js';
import { Close } from '../parts/icons.js';
import { presenceOf } from '../parts/presence.js';
import { addingTo } from '../panel/adding.js';
import { inbox, parley, server } from '../parley.js';
import { go, pathOf, route } from '../router.js';
import { AddPeople } from './add-people.js';
import { matchPerson, matchTitle, type Span, toNeedle } from './matching.js';
import { isFinderOpen } from './open.js';
import { usePeople } from './people.js';
import { type Choice, SearchBox } from './search-box.js';
import { NotFound, Unfound } from './unfound.js';

const MOST_RECENT = 8;
const MOST_GROUPS = 20;

const groups = fromStore(parley.groups.all);

interface Target extends Choice {
  readonly ref: ChatRef;
}

/** Finds people and groups by how their names begin, and opens the conversation. While `addingTo` is set, it adds people to that group. */
export function Finder() {
  const group = addingTo.value;
  return group ? <AddPeople group={group} /> : <Find />;
}

function Find() {
  const query = useSignal('');
  const needle = toNeedle(query.value);
  const recent = recentOf(inbox.value.rows);
  // With nothing typed, those one talks to; who talks to nobody yet is shown who there is.
  const isNew = recent.every(({ ref }) => ref.type === 'bot');
  const people = usePeople(query.value, needle !== '' || isNew);
  const found = useComputed(() => groupsOf(groups.value, toNeedle(query.value)));
  const targets: readonly Target[] =
    needle === ''
      ? [...recent, ...people.rows.map((user) => toTarget(user, []))]
      : [...botOf(needle), ...peopleOf(people.rows, needle), ...found.value];
  const close = (): void => {
    isFinderOpen.value = false;
  };
  const open = (key: string): void => {
    const target = targets.find((one) => one.key === key);
    if (!target) return;
    close();
    go(pathOf(target.ref));
  };
  return (
    <Dialog label="Find a person or group" class="finder" onClose={close}>
      <SearchBox
        query={query.value}
        onQuery={(text) => (query.value = text)}
        placeholder="Find a person or group"
        choices={targets}
        isLoading={people.isLoading}
        onChoose={open}
        out={
          <>
            <kbd class="not-phone" aria-hidden="true">
              Esc
            </kbd>
            <button type="button" class="icon only-phone" aria-label="Close" onClick={close}>
              <Close />
            </button>
          </>
        }
      >
        <Unfound people={people}>
          {targets.length === 0 && needle !== '' && <NotFound what="person or group" query={query.value} />}
          {people.rows.length === 0 && isNew && needle === '' && <p class="unfound">Nobody else is here yet.</p>}
        </Unfound>
      </SearchBox>
      <footer aria-hidden="true">
        <span>↑ ↓ choose</span>
        <span>Enter opens</span>
        <span>Names that begin so</span>
      </footer>
    </Dialog>
  );
}

function recentOf(rows: readonly ChatSummary[]): Target[] {
  const here = route.value;
  const current = here.at === 'chat' ? parley.chat(here.ref).key : undefined;
  return rows
    .filter(({ key }) => key !== current)
    .slice(0, MOST_RECENT)
    .map(({ key, ref, title, other }) => ({
      key,
      ref,
      of: 'Recent',
      face: <ChatFace chat={ref} title={title} isOnline={other?.is_online ?? false} />,
      name: title,
      marks: [],
      note: other ? presenceOf(other) : ref.type === 'group' ? noteOfGroup(ref.group_id) : BOT_NOTE,
    }));
}

const BOT_NOTE = 'Answers at once; nobody else sees it';

function botOf(needle: string): Target[] {
  if (!server.value?.bot) return [];
  const title = parley.bot.summary.get()?.title ?? 'Helper';
  const marks = matchTitle(title, needle);
  const ref: ChatRef = { type: 'bot' };
  return marks
    ? [
        {
          key: 'bot',
          ref,
          of: 'This server',
          face: <ChatFace chat={ref} title={title} />,
          name: title,
          marks,
          note: BOT_NOTE,
        },
      ]
    : [];
}

/** Those one talks to first, which are here without the server. */
function peopleOf(rows: readonly User[], needle: string): Target[] {
  const found = new Map<number, Target>();
  const known = inbox.value.rows.flatMap(({ other }) => other ?? []);
  for (const user of known) {
    const marks = matchPerson(user, needle);
    if (marks) found.set(user.id, toTarget(user, marks));
  }
  for (const user of rows) if (!found.has(user.id)) found.set(user.id, toTarget(user, matchPerson(user, needle) ?? []));
  return [...found.values()];
}

function toTarget(user: User, marks: readonly Span[]): Target {
  return {
    key: `room:${user.id}`,
    ref: { type: 'room', user_id: user.id },
    of: 'People',
    face: <FaceOf user={user} />,
    name: fullName(user),
    marks,
    note: presenceOf(user),
  };
}

function groupsOf(all: readonly GroupInfo[], needle: string): Target[] {
  if (needle === '') return [];
  const found = all.flatMap((info) => {
    const marks = matchTitle(info.name, needle);
    return marks ? [{ info, marks }] : [];
  });
  // Those that begin so come before those of which a later word does.
  found.sort((a, b) => a.marks[0]![0] - b.marks[0]![0] || a.info.name.localeCompare(b.info.name));
  return found.slice(0, MOST_GROUPS).map(({ info: { id, name }, marks }) => {
    const ref: ChatRef = { type: 'group', group_id: id };
    const face = <ChatFace chat={ref} title={name} />;
    return { key: `group:${id}`, ref, of: 'Groups', face, name, marks, note: noteOfGroup(id) };
  });
}

/** `Open, 12 members`, `Private: ask to be let in`. */
function noteOfGroup(id: number): string {
  const info = groups.value.find((one) => one.id === id);
  if (!info) return 'Group';
  const kind = info.is_private ? 'Private' : 'Open';
  if (info.standing === 'closed') return `${kind}: ask to be let in`;
  if (info.standing === 'asked') return `${kind}: you have asked to join`;
  if (info.standing === 'refused') return `${kind}: not this time`;
  return info.member_count === null ? kind : `${kind}, ${plural(info.member_count, 'member')}`;
}
