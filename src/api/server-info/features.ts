/*
 * Features that clients check before they show a button: each name stands for routes, events and fields that this server has. docs/protocol.md
 * lists them, and a test compares the two. A name never changes its meaning: later additions get names of their own.
 */
export const FEATURES = {
  access_requests: 'asking to be let into private groups, and `my_request` of a group',
  account_erasure: '`DELETE /http/users/profile`',
  admin: 'roles, suspension, and the routes below /http/admin',
  blocking: 'blocking people',
  bot: 'the chat with the bot',
  bot_streaming: 'answers of the bot that are heard as they form, and stopped: `bot_delta`, `bot_stop`',
  catch_up: 'pages by `after` and by `changes_after`, for those who were away',
  chat_settings:
    '`PUT /http/chat_settings`: of which messages of a chat to be told, muted, favourite and archived chats',
  delete: "deleting messages, one's own and those of a group that one owns",
  edit: "editing one's own messages",
  email_change: '`POST /http/users/profile/email`: another address for an account, and the way back',
  export: "`POST /http/users/profile/export`: what is one's own, as a zip file",
  group_delete: '`DELETE /http/chat_groups/{id}`, for the owner of a group',
  groups: 'groups, open and private: creating, renaming, entering, leaving',
  live_lists: '`user_update` and `group_update` for what is new or changed in the lists',
  membership: 'members of groups are added and removed, and groups handed over',
  mentions: '`mentions` of messages, `unread_mentions` in lists, and `GET /http/mentions`',
  password_recovery: 'a new password by mail, and one that is taken back',
  presence: 'who is online, in lists and by `presence`',
  reactions: 'reactions to messages: `react`, `message_reactions`, and `reactions` in histories',
  receipts: 'how far people have read, in lists and by `read`',
  registration_modes:
    '`registration` that changes while the server runs, `invite` of `POST /http/register`, and `server_update`',
  replies: 'messages that answer another one, and quote it',
  reports: '`POST /http/reports`, for messages that those who look after the server should see',
  rooms: 'direct messages between two people',
  search: 'people by the beginning of their name: `query` of `GET /http/users`',
  sessions: "the list of one's sessions, and ending them",
  typing: 'who types',
  unread: 'unread counts, and `GET /http/notifications`',
  users_by_ids: '`ids` of `GET /http/users`',
} as const;

export type Feature = keyof typeof FEATURES;

/** In alphabetical order. */
export const featureWords = (): Feature[] => (Object.keys(FEATURES) as Feature[]).sort();
