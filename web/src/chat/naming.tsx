import type { Chat, Group, Member, Mentions, MessageItem, Sent, User } from 'parley-client';
import type { RefObject } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { matchPerson, toNeedle } from '../finder/matching.js';
import { fullName, listed } from '../format.js';
import { FaceOf } from '../parts/face.js';
import { Members } from '../parts/icons.js';
import { ofDevice } from '../parts/kept.js';
import { presenceOf } from '../parts/presence.js';
import { asRoom } from '../parts/store.js';
import { me, parley, server } from '../parley.js';
import type { Offer, Source } from './completion.js';
import { EVERYONE, type Mark, mentionsOf, moved, type Named, placed, stillNamed } from './named.js';

const MOST = 6;
const ALL = 'everyone';

/** Beside the draft, which is kept on this device too. */
const keyOf = (chat: Chat): string => `named:${me.peek()?.id}:${chat.key}`;

function keptNames(chat: Chat): readonly Named[] {
  const kept = ofDevice.read(keyOf(chat));
  return kept === undefined ? [] : (JSON.parse(kept) as readonly Named[]);
}

function keepNames(chat: Chat, all: readonly Named[]): void {
  if (all.length === 0) ofDevice.remove(keyOf(chat));
  else ofDevice.write(keyOf(chat), JSON.stringify(all.map(({ id, name }) => ({ id, name }))));
}

/** A message that was refused becomes a part of the draft again, and whom it named with it. */
export function takeBackNames(chat: Chat, { mentions }: Pick<MessageItem, 'mentions'>): void {
  if (!mentions) return;
  const people = mentions.user_ids.flatMap((id): Named[] => {
    const user = parley.users.get(id).get();
    return user ? [{ id, name: fullName(user) }] : [];
  });
  const everyone = mentions.everyone ? [{ id: EVERYONE, name: ALL }] : [];
  keepNames(chat, [...keptNames(chat), ...people, ...everyone]);
}

interface Naming {
  /** What `@` offers; none where nobody can be named. */
  readonly sources: readonly Source[];
  /** The draft is shown, as it is kept. */
  readonly shown: (text: string) => void;
  /** Something else is shown, where nobody can be named. */
  readonly hidden: () => void;
  /** Somebody writes. */
  readonly changed: () => void;
  /** Whom the draft names now. */
  readonly mentions: () => Mentions | undefined;
}

/** Whom the text in the composer names: those who were chosen, for as long as their names stand in it. */
export function useNaming(chat: Chat, area: RefObject<HTMLTextAreaElement | null>): Naming {
  const marks = useRef<readonly Mark[]>([]);
  const text = useRef('');
  const isHidden = useRef(false);
  const canName = chat.ref.type !== 'bot' && (server.value?.features.includes('mentions') ?? false);
  return useMemo((): Naming => {
    const set = (now: readonly Mark[], of: string): void => {
      marks.current = now;
      text.current = of;
      keepNames(chat, now);
    };
    const add = (named: Named, start: number): void => {
      const others = marks.current.filter((mark) => mark.start !== start);
      set(
        [...others, { ...named, start }].sort((a, b) => a.start - b.start),
        area.current!.value,
      );
    };
    const source: Source = {
      label: 'People',
      begun: /(?:^|[\s(])(@(?:[^\s@][^@\n]{0,79})?)$/u,
      find: (begun) => (isHidden.current ? [] : offersOf(chat, begun.slice(1), add)),
    };
    return {
      sources: canName ? [source] : [],
      shown(now) {
        isHidden.current = false;
        // Sent, or given up: a name that is written later is another one.
        if (now === '') keepNames(chat, []);
        marks.current = placed(now, keptNames(chat));
        text.current = now;
      },
      hidden() {
        isHidden.current = true;
      },
      changed() {
        if (isHidden.current) return;
        const { value, selectionEnd } = area.current!;
        set(moved(marks.current, text.current, value, selectionEnd), value);
      },
      mentions: () => mentionsOf(marks.current),
    };
  }, [chat, canName]);
}

function offersOf(chat: Chat, begun: string, add: (named: Named, start: number) => void): readonly Offer[] {
  const needle = toNeedle(begun);
  const offerOf = (named: Named, rest: Pick<Offer, 'picture' | 'note'>): Offer => ({
    key: String(named.id),
    text: `@${named.name}`,
    name: named.name,
    onChosen: (start) => add(named, start),
    ...rest,
  });
  // A blank behind the whole name is its end.
  const isOver = (name: string): boolean => /\s$/.test(begun.slice(name.length));
  const people = peopleOf(chat)
    .filter((user) => matchPerson(user, needle) && !isOver(fullName(user)))
    .slice(0, MOST)
    .map((user) =>
      offerOf(
        { id: user.id, name: fullName(user) },
        // Two may have one name.
        { picture: <FaceOf user={user} isSmall />, note: presenceOf(user) },
      ),
    );
  if (!ALL.startsWith(needle) || isOver(ALL) || !mayNameEveryone(chat)) return people;
  const note = `All ${(chat as Group).members.get().length} members are told`;
  const everyone = offerOf({ id: EVERYONE, name: ALL }, { picture: <Members />, note });
  return [...people.slice(0, MOST - 1), everyone];
}

/** Who can be named: those who are here now first. */
function peopleOf(chat: Chat): readonly User[] {
  const other = asRoom(chat)?.other.get();
  if (chat.ref.type !== 'group') return other ? [other] : [];
  const rank = ({ is_in_group, is_online }: Member): number => (is_in_group ? 0 : is_online ? 1 : 2);
  return (chat as Group).members
    .get()
    .filter(({ id }) => id !== me.peek()?.id)
    .sort((a, b) => rank(a) - rank(b) || fullName(a).localeCompare(fullName(b)));
}

/** What one may not do is absent. */
function mayNameEveryone(chat: Chat): boolean {
  if (chat.ref.type !== 'group') return false;
  const { info, members } = chat as Group;
  const most = server.peek()?.limits['everyone_size'] ?? Infinity;
  return info.get()?.is_owner === true || members.get().length <= most;
}

const WHY_NOT_EVERYONE: Readonly<Record<NonNullable<Sent['everyone_ignored']>, string>> = {
  too_large: 'Not everyone was told: the group is too large.',
  too_often: 'Not everyone was told: somebody did that less than five minutes ago.',
  not_allowed: 'Not everyone was told: this is no group.',
};

/** Who was not told of a message that is stored: "Charles was not told: not a member." Undefined: all were. */
export function untold({ mentions_ignored = [], everyone_ignored }: Sent): string | undefined {
  const names = mentions_ignored.map((id) => parley.users.get(id).get()?.first_name ?? 'Somebody');
  const people =
    names.length > 0 &&
    `${listed(names)} ${names.length === 1 ? 'was not told: not a member.' : 'were not told: not members.'}`;
  const words = [people, everyone_ignored && WHY_NOT_EVERYONE[everyone_ignored]].filter((one) => one);
  return words.length > 0 ? words.join(' ') : undefined;
}

/** For `edit`: whom a message goes on to name. */
export function editedMentions(chat: Chat, seq: number, text: string): { readonly mentions?: Mentions } {
  const item = chat.timeline.get().items.find((one): one is MessageItem => one.kind === 'message' && one.seq === seq);
  if (!item?.mentions) return {};
  const mentions = stillNamed(item.mentions, item.message, text, (id) => {
    const user = parley.users.get(id).get();
    return user ? [fullName(user), user.first_name] : [];
  });
  return mentions ? { mentions } : {};
}
