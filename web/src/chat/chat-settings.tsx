import type { Chat, ChatSettings } from 'parley-client';
import { time } from '../format.js';
import type { Deed } from '../parts/deed.js';
import { Archive, Bell, BellOff, Star } from '../parts/icons.js';
import { Menu, MenuError, MenuGroup, MenuItem } from '../parts/menu.js';
import { useStore } from '../parts/store.js';
import { server } from '../parley.js';
import { FOR_GOOD, mutedWords } from './muted.js';

const HOUR_MS = 3_600_000;
const MORNING = 8;

const LEVELS: readonly (readonly [ChatSettings['notify'], string])[] = [
  ['all', 'Every message'],
  ['mentions', 'Mentions only'],
  ['none', 'Nothing'],
];

interface ItemsProps {
  readonly chat: Chat;
  readonly deed: Deed;
  readonly onMute: () => void;
}

/** How one wants to be told of a conversation, and where one keeps it. A room has settings from its first message on. */
export function SettingItems({ chat, deed, onMute }: ItemsProps) {
  const row = useStore(chat.summary).value;
  const hasSettings = server.value?.features.includes('chat_settings') ?? false;
  if (!hasSettings || !row || (chat.ref.type === 'room' && !row.last_message)) return null;
  const { notify, muted_until, is_favourite, is_archived } = row;
  const set = (change: Parameters<Chat['setSettings']>[0]): void => deed.run(() => chat.setSettings(change));
  return (
    <>
      {muted_until === null ? (
        <MenuItem onClick={onMute}>
          <BellOff />
          Mute…
        </MenuItem>
      ) : (
        <MenuItem onClick={() => set({ muted_until: null })}>
          <Bell />
          <span>
            Unmute
            <small>{mutedWords(muted_until)}</small>
          </span>
        </MenuItem>
      )}
      <MenuItem kind="checkbox" isChecked={is_favourite} onClick={() => set({ is_favourite: !is_favourite })}>
        <Star />
        Favourite
      </MenuItem>
      <MenuItem onClick={() => set({ is_archived: !is_archived })}>
        <Archive />
        {is_archived ? 'Take out of the archive' : 'Archive'}
      </MenuItem>
      <MenuGroup label="Tell me about">
        {LEVELS.map(([level, words]) => (
          <MenuItem key={level} kind="radio" isChecked={notify === level} onClick={() => set({ notify: level })}>
            {words}
          </MenuItem>
        ))}
      </MenuGroup>
    </>
  );
}

interface MuteMenuProps {
  readonly chat: Chat;
  readonly deed: Deed;
  readonly opener: HTMLElement;
  readonly onClose: () => void;
}

/** For how long. */
export function MuteMenu({ chat, deed, opener, onClose }: MuteMenuProps) {
  const isDeaf = useStore(chat.summary).value?.notify === 'none';
  const now = new Date();
  const morning = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING);
  const mute = (muted_until: Date): void => deed.run(() => chat.setSettings({ muted_until }));
  const inHours = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);
  return (
    <Menu label="Mute" opener={opener} onClose={onClose}>
      <MenuItem onClick={() => mute(inHours(1))}>For 1 hour</MenuItem>
      <MenuItem onClick={() => mute(inHours(8))}>For 8 hours</MenuItem>
      <MenuItem onClick={() => mute(morning)}>
        <span>
          Until tomorrow morning
          <small>{time(morning)}</small>
        </span>
      </MenuItem>
      <MenuItem onClick={() => mute(FOR_GOOD)}>Until I turn it back on</MenuItem>
      <p class="fine">
        {isDeaf
          ? 'You are told nothing of this conversation anyway.'
          : 'Meanwhile you are told only of messages that name you, or reply to yours.'}
      </p>
      <MenuError deed={deed} />
    </Menu>
  );
}
