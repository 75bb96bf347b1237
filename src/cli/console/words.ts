/** Fields of the routes of admins whose values stand on the command line under another name. Settings are called the same. */
const WORDS: Readonly<Record<string, string>> = {
  max_uses: '--uses',
  expires_in_hours: '--hours',
  note: '--note',
  group_ids: '--group',
  reason: '--reason',
  before: '--before',
  role: '--role',
  status: '--status',
  action: '--action',
  query: '[beginning]',
  owner_id: '<person>',
};

/** What somebody has written on the command line who is told about this field. */
export const wordOf = (field: string): string => WORDS[field] ?? field;
