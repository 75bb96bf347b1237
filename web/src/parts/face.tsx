import type { ChatRef, User } from 'parley-client';
import { fullName, initials, voice } from '../format.js';
import { Spark } from './icons.js';

interface FaceProps {
  readonly name: string;
  /** Of the person or group; null: the bot. */
  readonly id: number | null;
  readonly isGroup?: boolean;
  readonly isMine?: boolean;
  readonly isOnline?: boolean;
  readonly isSmall?: boolean;
}

/** Initials on the person's own tint; people are round, groups are squared. Decoration: the name stands beside it. */
export function Face({ name, id, isGroup = false, isMine = false, isOnline = false, isSmall = false }: FaceProps) {
  const shape = `face ${voice(id, isMine)}${isGroup ? ' group' : ''}${isSmall ? ' small' : ''}`;
  return (
    <span class={shape} aria-hidden="true">
      {id === null ? <Spark /> : initials(name)}
      {isOnline && <i class="dot" />}
    </span>
  );
}

export function FaceOf({ user, isMine, isSmall }: { user: User; isMine?: boolean; isSmall?: boolean }) {
  return (
    <Face
      name={fullName(user)}
      id={user.id}
      isMine={isMine ?? false}
      isOnline={user.is_online}
      isSmall={isSmall ?? false}
    />
  );
}

/** The face of a conversation. */
export function ChatFace({ chat, title, isOnline }: { chat: ChatRef; title: string; isOnline?: boolean }) {
  const id = chat.type === 'room' ? chat.user_id : chat.type === 'group' ? chat.group_id : null;
  return <Face name={title} id={id} isGroup={chat.type === 'group'} isOnline={isOnline ?? false} />;
}
