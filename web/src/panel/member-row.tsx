import type { Member } from 'parley-client';
import { Component } from 'preact';
import { fullName } from '../format.js';
import { FaceOf } from '../parts/face.js';
import { More } from '../parts/icons.js';
import { presenceOf } from '../parts/presence.js';
import { pathOf } from '../router.js';

interface MemberRowProps {
  readonly member: Member;
  readonly isMe: boolean;
  readonly isOwner: boolean;
  /** Of the whole list, this row is where Tab stops. */
  readonly isStop: boolean;
  readonly onFocus: (id: number) => void;
  /** For those who may do something about this member. */
  readonly openMenu: ((member: Member, opener: HTMLElement) => void) | undefined;
}

/** A member, who is a way to the conversation with them. Of a thousand, only those are drawn anew of whom something has changed. */
export class MemberRow extends Component<MemberRowProps> {
  override shouldComponentUpdate(next: MemberRowProps): boolean {
    const { member, isMe, isOwner, isStop, openMenu } = this.props;
    if (next.isOwner !== isOwner) return true;
    return next.member !== member || next.isMe !== isMe || next.isStop !== isStop || next.openMenu !== openMenu;
  }

  override render({ member, isMe, isOwner, isStop, onFocus, openMenu }: MemberRowProps) {
    const tabIndex = isStop ? 0 : -1;
    const who = (
      <>
        <FaceOf user={member} isMine={isMe} isSmall />
        <div>
          <b>
            <bdi>{fullName(member)}</bdi>
          </b>
          <small>{noteOf(member, isMe, isOwner)}</small>
        </div>
      </>
    );
    return (
      <li class="person" onFocusIn={() => onFocus(member.id)}>
        {isMe ? (
          <span class="who" tabIndex={tabIndex} data-stop>
            {who}
          </span>
        ) : (
          <a class="who" href={pathOf({ type: 'room', user_id: member.id })} tabIndex={tabIndex} data-stop>
            {who}
          </a>
        )}
        {openMenu && (
          <button
            type="button"
            class="icon"
            aria-label={`More for ${fullName(member)}`}
            aria-haspopup="menu"
            tabIndex={tabIndex}
            onClick={(event) => openMenu(member, event.currentTarget)}
          >
            <More />
          </button>
        )}
      </li>
    );
  }
}

/** `You, owner`, `Owner, online`, `Seen at 10:20`. */
function noteOf(member: Member, isMe: boolean, isOwner: boolean): string {
  if (isMe) return isOwner ? 'You, owner' : 'You';
  const presence = presenceOf(member);
  return isOwner ? `Owner, ${presence.charAt(0).toLowerCase()}${presence.slice(1)}` : presence;
}
