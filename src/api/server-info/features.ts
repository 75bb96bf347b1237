/*
 * Features that clients check before they show a button: each name stands for routes, events and fields that this server has. docs/protocol.md
 * lists them, and a test compares the two. A name never changes its meaning: later additions get names of their own.
 */
export const FEATURES = {
  access_requests: 'asking to be let into private groups, and `my_request` of a group',
  account_erasure: '`DELETE /http/users/profile`',
  blocking: 'blocking people',
  bot: 'the chat with the bot',
  bot_streaming: 'answers of the bot that are heard as they form, and stopped: `bot_delta`, `bot_stop`',
  catch_up: 'pages by `after` and by `changes_after`, for those who were away',
  delete: "deleting messages, one's own and those of a group that one owns",
  edit: "editing one's own messages",
  groups: 'groups, open and private: creating, renaming, entering, leaving',
  live_lists: '`user_update` and `group_update` for what is new or changed in the lists',
  membership: 'members of groups are added and removed, and groups handed over',
  password_recovery: 'a new password by mail, and one that is taken back',
  presence: 'who is online, in lists and by `presence`',
  receipts: 'how far people have read, in lists and by `read`',
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
