import { useSignal } from '@preact/signals';
import { type Group, ParleyError, type User } from 'parley-client';
import { fullName } from '../format.js';
import { Dialog } from '../parts/dialog.js';
import { FaceOf } from '../parts/face.js';
import { Tick } from '../parts/icons.js';
import { presenceOf } from '../parts/presence.js';
import { useStore } from '../parts/store.js';
import { addingTo } from '../panel/adding.js';
import { inbox } from '../parley.js';
import { wordsFor } from '../words.js';
import { matchPerson, toNeedle } from './matching.js';
import { usePeople } from './people.js';
import { type Choice, SearchBox } from './search-box.js';
import { NotFound, Unfound } from './unfound.js';

/** What became of one who was chosen. */
type Outcome = 'busy' | 'added' | { readonly refused: string };

/** Adds one after the other to a group, at once; what became of each is said beside their name. */
export function AddPeople({ group }: { group: Group }) {
  const query = useSignal('');
  const outcomes = useSignal<ReadonlyMap<number, Outcome>>(new Map());
  const said = useSignal('');
  const info = useStore(group.info);
  const members = useStore(group.members);
  const needle = toNeedle(query.value);
  const people = usePeople(query.value, true);
  const memberIds = new Set(members.value.map(({ id }) => id));
  // Those who were members already come last; who is added stays in place.
  const isOld = ({ id }: User): boolean => memberIds.has(id) && !outcomes.value.has(id);
  const found = withKnown(people.rows, needle);
  const shown = [...found.filter((user) => !isOld(user)), ...found.filter(isOld)];
  const close = (): void => {
    addingTo.value = undefined;
  };
  const set = (id: number, outcome: Outcome): void => {
    outcomes.value = new Map(outcomes.peek()).set(id, outcome);
  };
  const add = (key: string): void => {
    const user = shown.find(({ id }) => String(id) === key);
    if (!user || memberIds.has(user.id) || outcomes.peek().get(user.id) === 'busy') return;
    set(user.id, 'busy');
    group.add(user.id).then(
      () => {
        set(user.id, 'added');
        said.value = `${fullName(user)} was added.`;
      },
      (thrown: unknown) => {
        const refused = whyNot(ParleyError.from(thrown), user);
        set(user.id, { refused });
        said.value = refused;
      },
    );
  };
  const choices = shown.map((user) => toChoice(user, needle, outcomes.value.get(user.id), memberIds.has(user.id)));
  const title = `Add people to ${info.value?.name ?? 'the group'}`;
  return (
    <Dialog label={title} class="finder" onClose={close}>
      <h2>{title}</h2>
      <SearchBox
        query={query.value}
        onQuery={(text) => (query.value = text)}
        placeholder="Name"
        choices={choices}
        isLoading={people.isLoading}
        onChoose={add}
        out={
          <button type="button" class="btn primary" onClick={close}>
            Done
          </button>
        }
      >
        <Unfound people={people}>
          {choices.length === 0 && needle !== '' && <NotFound what="person" query={query.value} />}
          {choices.length === 0 && needle === '' && <p class="unfound">Nobody else is here yet.</p>}
        </Unfound>
        <span class="sr" role="status">
          {said.value}
        </span>
      </SearchBox>
      <footer aria-hidden="true">
        <span>↑ ↓ choose</span>
        <span>Enter adds</span>
        <span>Names that begin so</span>
      </footer>
    </Dialog>
  );
}

/** Those one talks to come first. */
function withKnown(rows: readonly User[], needle: string): readonly User[] {
  const known = inbox.value.rows.flatMap(({ other }) => (other && matchPerson(other, needle) ? [other] : []));
  const ids = new Set(known.map(({ id }) => id));
  return [...known, ...rows.filter(({ id }) => !ids.has(id))];
}

function toChoice(user: User, needle: string, outcome: Outcome | undefined, isMember: boolean): Choice {
  const isRefused = typeof outcome === 'object' && !isMember;
  return {
    key: String(user.id),
    of: 'People',
    face: <FaceOf user={user} />,
    name: fullName(user),
    marks: matchPerson(user, needle) ?? [],
    note: isRefused ? <span class="err">{outcome.refused}</span> : presenceOf(user),
    ...(outcome === 'busy' && !isMember
      ? { aside: <span class="became">Adding…</span> }
      : isMember && { aside: outcome === undefined ? <span class="became">Member</span> : <Added /> }),
  };
}

function Added() {
  return (
    <span class="became done">
      <Tick />
      Added
    </span>
  );
}

function whyNot(error: ParleyError, { first_name }: User): string {
  const words: Readonly<Record<string, string>> = {
    has_left: `${first_name} has left this group, and has to ask to come back.`,
    blocked: `${first_name} cannot be added: one of you has blocked the other.`,
    quota_exceeded: `${first_name} is in as many groups as anybody may be.`,
    forbidden: 'Only the owner adds people.',
    not_found: `${first_name} has no account any more.`,
  };
  return words[error.code] ?? wordsFor(error);
}
