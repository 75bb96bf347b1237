import { MAX_EMAIL } from '../../auth/dto/email.field.js';
import { PASSWORD } from '../../auth/dto/login.dto.js';
import { MAX_QUESTIONS } from '../../bot/bot-kind.js';
import { MAX_GROUP_NAME } from '../../chat-groups/dto/group.dto.js';
import { MAX_CLIENT_ID, MAX_MESSAGE, MAX_NAME } from '../../common/fields.js';
import { numberOf, type RateName, RATES } from '../../common/limits/limits.js';
import { LIST_LIMIT } from '../../common/pages.js';
import type { Config } from '../../config/config.js';
import { MAX_MENTIONS } from '../../conversations/extras.fields.js';
import { PAGE_LIMIT } from '../../conversations/page.dto.js';
import { QUOTE_LENGTH } from '../../conversations/quotes.js';
import { MOST_EMOJI, MOST_OF_USER } from '../../conversations/reactions/reaction-batch.js';
import { MAX_SOCKETS_PER_SESSION } from '../../identity/socket-sessions.js';
import { MAX_PACKET_BYTES } from '../../sockets/transport/incoming.js';
import { MAX_IDS, MAX_QUERY } from '../../users/dto/users.dto.js';
import { MAX_REQUEST_BYTES } from '../http/bodies.js';

interface ClientLimit {
  what: string;
  /** Undefined where this server has no such limit. */
  of: (config: Config) => number | undefined;
}

const limits = <Name extends string>(table: Record<Name, ClientLimit>): Record<Name, ClientLimit> => table;

const always = (number: number) => () => number;
/** Undefined where rates are off. */
const rate =
  (name: RateName, part: 'points' | 'seconds') =>
  (config: Config): number | undefined =>
    config.rateLimits ? numberOf(RATES[name][part], config) : undefined;

/**
 * Limits that clients check before they send, or pace themselves by, from where they are enforced. docs/protocol.md lists them, and a test
 * compares the two.
 */
export const CLIENT_LIMITS = limits({
  body_bytes: { what: 'largest body of a request', of: always(MAX_REQUEST_BYTES) },
  bot_questions: { what: 'questions of one person that may wait for the bot', of: always(MAX_QUESTIONS) },
  client_id_length: { what: 'characters of a `client_id`', of: always(MAX_CLIENT_ID) },
  email_length: { what: 'characters of an e-mail address', of: always(MAX_EMAIL) },
  everyone_size: {
    what: 'members of a group in which others than its owner may name everyone',
    of: ({ everyoneLimit }) => everyoneLimit,
  },
  group_name_length: { what: "characters of a group's name", of: always(MAX_GROUP_NAME) },
  ids_size: { what: 'people that `ids` of `GET /http/users` names', of: always(MAX_IDS) },
  list_size: { what: 'rows of a list in one answer', of: always(LIST_LIMIT) },
  mentions_size: { what: 'people that one message names', of: always(MAX_MENTIONS) },
  message_length: { what: 'characters of a message', of: always(MAX_MESSAGE) },
  message_rate: { what: 'messages that one person may send in `message_rate_seconds`', of: rate('message', 'points') },
  message_rate_seconds: { what: 'seconds that `message_rate` is counted in', of: rate('message', 'seconds') },
  messages_per_day: { what: 'messages that one person may send in 24 hours', of: rate('messageOfDay', 'points') },
  name_length: { what: 'characters of a first or last name', of: always(MAX_NAME) },
  packet_bytes: { what: 'largest packet on the socket', of: always(MAX_PACKET_BYTES) },
  page_size: { what: 'messages of a history in one answer', of: always(PAGE_LIMIT) },
  password_max: { what: 'most characters of a password', of: always(PASSWORD.max) },
  password_min: { what: 'fewest characters of a new password', of: always(PASSWORD.min) },
  query_length: { what: 'characters of `query`', of: always(MAX_QUERY) },
  quote_length: { what: 'characters of a message that a quote shows', of: always(QUOTE_LENGTH) },
  reactions_per_message: { what: 'different emoji of one message', of: always(MOST_EMOJI) },
  reactions_per_person: { what: 'emoji of one person on one message', of: always(MOST_OF_USER) },
  sockets_per_session: { what: 'sockets that one session may have open', of: always(MAX_SOCKETS_PER_SESSION) },
});

/** The limits of this server. */
export const clientLimits = (config: Config): Record<string, number> =>
  Object.fromEntries(
    Object.entries<ClientLimit>(CLIENT_LIMITS).flatMap(([name, { of }]) => {
      const number = of(config);
      return number === undefined ? [] : [[name, number]];
    }),
  );
