import type { ServerInfo } from '../types.js';
import { EVERYONE_LIMIT } from './extras.js';
import type { House } from './house.js';

/** All that the real server has but `admin`: nobody looks after a server in memory. */
const FEATURES = [
  'access_requests',
  'account_erasure',
  'blocking',
  'bot',
  'bot_streaming',
  'catch_up',
  'chat_settings',
  'delete',
  'edit',
  'email_change',
  'export',
  'group_delete',
  'groups',
  'live_lists',
  'membership',
  'mentions',
  'password_recovery',
  'presence',
  'reactions',
  'receipts',
  'registration_modes',
  'replies',
  'reports',
  'rooms',
  'search',
  'sessions',
  'typing',
  'unread',
  'users_by_ids',
];

/** What the server says of itself to anybody. @throws Refusal */
export function serverInfo({ rates, settings, state }: House): ServerInfo {
  rates.take('Too many requests from this network.', [{ name: 'document', key: '' }]);
  return {
    name: 'Parley',
    version: '0.1.0',
    protocol: 1,
    public_url: settings.url,
    features: FEATURES,
    limits: {
      body_bytes: 65_536,
      bot_questions: 5,
      client_id_length: 64,
      email_length: 254,
      everyone_size: EVERYONE_LIMIT,
      group_name_length: 100,
      ids_size: 100,
      list_size: 1_000,
      mentions_size: 20,
      message_length: 4_000,
      ...(settings.rates && { message_rate: 60, message_rate_seconds: 6, messages_per_day: 10_000 }),
      name_length: 80,
      packet_bytes: 65_536,
      page_size: 100,
      password_max: 128,
      password_min: 8,
      query_length: 161,
      quote_length: 200,
      reactions_per_message: 20,
      reactions_per_person: 5,
      sockets_per_session: 20,
    },
    registration: state.server.registration,
    dev_mail: true,
    bot: true,
    motd: state.server.motd,
  };
}
