import { useSignal } from '@preact/signals';
import type { Group, Member } from 'parley-client';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { Confirm } from '../parts/dialog.js';
import { giveFocus, openerNow } from '../parts/focus.js';
import { Back, Bin, Close, Pen, Plus } from '../parts/icons.js';
import { isWide } from '../parts/media.js';
import { Menu, MenuItem } from '../parts/menu.js';
import { useDeed } from '../parts/deed.js';
import { rove } from '../parts/rove.js';
import { useStore } from '../parts/store.js';
import { connection, me } from '../parley.js';
import { addingTo } from './adding.js';
import { DeleteGroup, mayDeleteGroup } from './delete-group.js';
import { LeaveGroup } from './leave-group.js';
import { MemberRow } from './member-row.js';
import { RenameGroup } from './rename-group.js';
import { Requests } from './requests.js';

interface MembersPanelProps {
  readonly group: Group;
  readonly onClose: () => void;
  /** Where there is no room beside the conversation it is a page of its own. */
  readonly isPage: boolean;
}

type Asked =
  | { readonly what: 'rename' }
  | { readonly what: 'leave' }
  | { readonly what: 'delete' }
  | { readonly what: 'hand over'; readonly member: Member }
  | { readonly what: 'remove'; readonly member: Member };

/** Who is in a group, and what its owner may do about them. */
export function MembersPanel({ group, onClose, isPage }: MembersPanelProps) {
  const info = useStore(group.info);
  const members = useStore(group.members);
  const menu = useSignal<{ readonly member: Member; readonly opener: HTMLElement } | undefined>(undefined);
  const asked = useSignal<Asked | undefined>(undefined);
  const element = useRef<HTMLElement>(null);
  const list = useRef<HTMLDivElement>(null);
  /** The row that Tab comes to. */
  const stop = useSignal<number | undefined>(undefined);
  // Their rows may still say who owned it before.
  const ownerId = info.value?.owner_id;
  const sorted = useMemo(() => sort(members.value, ownerId), [members.value, ownerId]);
  const here = sorted.filter(({ is_in_group }) => is_in_group);
  const elsewhere = sorted.filter(({ is_in_group }) => !is_in_group);
  const rows = [...here, ...elsewhere];
  const { limit, more } = useGrowing(list, rows.length);
  const stopId = rows.some(({ id }) => id === stop.value) ? stop.value : rows[0]?.id;
  const isFrozen = info.value?.is_frozen ?? false;
  /** The owner's, unless nothing of it can be changed now. */
  const mayChange = (info.value?.is_owner ?? false) && !isFrozen;
  const myId = me.value?.id;
  // Stay the same functions, so that rows are drawn anew only where something of theirs changed.
  const openMenu = useMemo(() => (member: Member, opener: HTMLElement) => (menu.value = { member, opener }), []);
  const onFocus = useMemo(() => (id: number) => (stop.value = id), []);
  const closeMenu = (): void => {
    menu.value = undefined;
  };
  const ask = (what: Asked): void => {
    closeMenu();
    asked.value = what;
  };
  /** Somebody is gone, and the focus with them: to who stands there now. */
  const toNeighbour = (member: Member): void => {
    const at = rows.findIndex(({ id }) => id === member.id);
    stop.value = (rows[at + 1] ?? rows[at - 1])?.id;
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus());
  };
  useEffect(() => {
    const opener = openerNow();
    const panel = element.current!;
    return () => {
      if (panel.contains(document.activeElement)) giveFocus(opener);
    };
  }, []);
  const isMain = isPage && !isWide.value;
  const Element = isMain ? 'main' : 'aside';
  const Title = isMain ? 'h1' : 'h2';
  const Heading = isMain ? 'h2' : 'h3';
  const draw = (title: string, of: readonly Member[], most: number) =>
    of.length > 0 &&
    most > 0 && (
      <section>
        <Heading>
          <span>{title}</span> <span>{of.length}</span>
        </Heading>
        <ul>
          {of.slice(0, most).map((member) => (
            <MemberRow
              key={member.id}
              member={member}
              isMe={member.id === myId}
              isOwner={member.id === ownerId}
              isStop={member.id === stopId}
              onFocus={onFocus}
              openMenu={mayChange && member.id !== myId ? openMenu : undefined}
            />
          ))}
        </ul>
      </section>
    );
  return (
    <Element ref={element} class={`side${isMain ? ' is-page' : ''}`} aria-label="About this group" data-region="panel">
      <header>
        {isPage && (
          <button type="button" class="icon" aria-label="Back to the conversation" onClick={onClose}>
            <Back />
          </button>
        )}
        <Title>Members</Title>
        {!isPage && (
          <button type="button" class="icon" aria-label="Close" onClick={onClose}>
            <Close />
          </button>
        )}
      </header>
      <div class="members" ref={list} onKeyDown={rove(list, '.person [data-stop]')}>
        {!isFrozen && <Requests group={group} />}
        {rows.length === 0 && (
          <p class="none-yet">
            {connection.value.state === 'online'
              ? 'Loading the members…'
              : 'The members appear here once you are online.'}
          </p>
        )}
        {draw('Here now', here, limit)}
        {draw('Elsewhere', elsewhere, limit - here.length)}
        <div ref={more} />
      </div>
      <div class="deeds">
        {mayChange && (
          <>
            <button type="button" class="btn" onClick={() => (addingTo.value = group)}>
              <Plus />
              Add people
            </button>
            <button type="button" class="btn" onClick={() => ask({ what: 'rename' })}>
              <Pen />
              Rename the group
            </button>
          </>
        )}
        <button type="button" class="btn bad" onClick={() => ask({ what: 'leave' })}>
          <Close />
          Leave the group
        </button>
        {mayDeleteGroup(group) && (
          <button type="button" class="btn bad" onClick={() => ask({ what: 'delete' })}>
            <Bin />
            Delete the group…
          </button>
        )}
      </div>
      {menu.value && <OwnersMenu {...menu.value} onClose={closeMenu} onChoose={ask} />}
      <Question group={group} asked={asked.value} onClose={() => (asked.value = undefined)} onRemoved={toNeighbour} />
    </Element>
  );
}

const ROWS_AT_FIRST = 60;
const MORE_ROWS = 100;

/** How many rows are drawn: a screenful at first, so that a group of thousands opens at once, and more before one has scrolled there. */
function useGrowing(list: { readonly current: HTMLElement | null }, count: number) {
  const limit = useSignal(ROWS_AT_FIRST);
  const more = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (limit.value >= count || !more.current) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) limit.value += MORE_ROWS;
      },
      { root: list.current, rootMargin: '1500px' },
    );
    observer.observe(more.current);
    return () => observer.disconnect();
  }, [limit.value, count]);
  return { limit: limit.value, more };
}

const COLLATOR = new Intl.Collator(navigator.languages);

/** The owner first, then by name. */
function sort(members: readonly Member[], ownerId: number | undefined): Member[] {
  const rank = ({ id }: Member): number => (id === ownerId ? 0 : 1);
  const names = new Map(members.map((member) => [member, fullName(member)]));
  return [...members].sort((a, b) => rank(a) - rank(b) || COLLATOR.compare(names.get(a)!, names.get(b)!));
}

interface OwnersMenuProps {
  readonly member: Member;
  readonly opener: HTMLElement;
  readonly onClose: () => void;
  readonly onChoose: (asked: Asked) => void;
}

function OwnersMenu({ member, opener, onClose, onChoose }: OwnersMenuProps) {
  return (
    <Menu label={fullName(member)} opener={opener} onClose={onClose}>
      <p class="cite">{fullName(member)}</p>
      <MenuItem onClick={() => onChoose({ what: 'hand over', member })}>
        <Pen />
        Hand the group over
      </MenuItem>
      <MenuItem isBad onClick={() => onChoose({ what: 'remove', member })}>
        <Close />
        Remove from the group
      </MenuItem>
    </Menu>
  );
}

interface QuestionProps {
  readonly group: Group;
  readonly asked: Asked | undefined;
  readonly onClose: () => void;
  readonly onRemoved: (member: Member) => void;
}

/** What is asked before something is done. */
function Question({ group, asked, onClose, onRemoved }: QuestionProps) {
  if (!asked) return null;
  if (asked.what === 'rename') return <RenameGroup group={group} onClose={onClose} />;
  if (asked.what === 'leave') return <LeaveGroup group={group} onClose={onClose} />;
  if (asked.what === 'delete') return <DeleteGroup group={group} onClose={onClose} />;
  if (asked.what === 'hand over') return <HandOver group={group} member={asked.member} onClose={onClose} />;
  return <Remove group={group} member={asked.member} onClose={onClose} onRemoved={onRemoved} />;
}

type MemberQuestion = Pick<QuestionProps, 'group' | 'onClose'> & { readonly member: Member };

function Remove({ group, member, onClose, onRemoved }: MemberQuestion & Pick<QuestionProps, 'onRemoved'>) {
  const { isBusy, error, run } = useDeed(() => {
    onClose();
    onRemoved(member);
  });
  return (
    <Confirm
      title={`Remove ${fullName(member)}?`}
      text={`${member.first_name} can no longer read or write here, and comes back only if you add them or accept their request.`}
      deed={`Remove ${member.first_name}`}
      isBad
      error={error.value}
      isBusy={isBusy.value}
      onConfirm={() => run(() => group.remove(member.id))}
      onClose={onClose}
    />
  );
}

function HandOver({ group, member, onClose }: MemberQuestion) {
  const { isBusy, error, run } = useDeed(onClose, ({ code }) =>
    code === 'quota_exceeded' ? `${member.first_name} owns as many groups as anybody may.` : undefined,
  );
  return (
    <Confirm
      title={`Hand the group over to ${fullName(member)}?`}
      text={`${member.first_name} then decides who is a member. You stay one, and only ${member.first_name} can hand it back.`}
      deed={`Hand over to ${member.first_name}`}
      error={error.value}
      isBusy={isBusy.value}
      onConfirm={() => run(() => group.handOver(member.id))}
      onClose={onClose}
    />
  );
}
