import { Messages1763800000000 } from './1763800000000-messages.js';
import { Groups1763900000000 } from './1763900000000-groups.js';
import { Bot1764000000000 } from './1764000000000-bot.js';
import { NoTimeIndex1764050000000 } from './1764050000000-no-time-index.js';
import { Accounts1764100000000 } from './1764100000000-accounts.js';
import { GroupDoors1764200000000 } from './1764200000000-group-doors.js';
import { Changes1764300000000 } from './1764300000000-changes.js';
import { Blocks1764400000000 } from './1764400000000-blocks.js';
import { MailTurns1764510000000 } from './1764510000000-mail-turns.js';
import { OnlinePeople1764540000000 } from './1764540000000-online-people.js';
import { ReplacedPasswords1764520000000 } from './1764520000000-replaced-passwords.js';
import { DeletedConversations1764550000000 } from './1764550000000-deleted-conversations.js';
import { GroupDepartures1764550001000 } from './1764550001000-group-departures.js';
import { FoldedNames1764560000000 } from './1764560000000-folded-names.js';
import { Leases1764570000000 } from './1764570000000-leases.js';
import { Nodes1764580000000 } from './1764580000000-nodes.js';
import { Extras1764600000000 } from './1764600000000-extras.js';
import { Mentions1764610000000 } from './1764610000000-mentions.js';
import { ChatSettings1764620000000 } from './1764620000000-chat-settings.js';
import { Reactions1764630000000 } from './1764630000000-reactions.js';
import { Consumers1764640000000 } from './1764640000000-consumers.js';
import { Roles1764700000000 } from './1764700000000-roles.js';
import { FrozenGroups1764710000000 } from './1764710000000-frozen-groups.js';
import { Reports1764720000000 } from './1764720000000-reports.js';
import { Settings1764730000000 } from './1764730000000-settings.js';
import { Invites1764740000000 } from './1764740000000-invites.js';
import { EmailLinks1764750000000 } from './1764750000000-email-links.js';
import { Exports1764760000000 } from './1764760000000-exports.js';
import { OperatorsExports1764770000000 } from './1764770000000-operators-exports.js';
import { RegistrationsByUser1764780000000 } from './1764780000000-registrations-by-user.js';
import { InvitesIntoGroups1764790000000 } from './1764790000000-invites-into-groups.js';

/** All migrations, oldest first. Appended to, never edited. */
export const migrations = [
  Messages1763800000000,
  Groups1763900000000,
  Bot1764000000000,
  NoTimeIndex1764050000000,
  Accounts1764100000000,
  GroupDoors1764200000000,
  Changes1764300000000,
  Blocks1764400000000,
  MailTurns1764510000000,
  ReplacedPasswords1764520000000,
  OnlinePeople1764540000000,
  DeletedConversations1764550000000,
  GroupDepartures1764550001000,
  FoldedNames1764560000000,
  Leases1764570000000,
  Nodes1764580000000,
  Extras1764600000000,
  Mentions1764610000000,
  ChatSettings1764620000000,
  Reactions1764630000000,
  Consumers1764640000000,
  Roles1764700000000,
  FrozenGroups1764710000000,
  Reports1764720000000,
  Settings1764730000000,
  Invites1764740000000,
  EmailLinks1764750000000,
  Exports1764760000000,
  OperatorsExports1764770000000,
  RegistrationsByUser1764780000000,
  InvitesIntoGroups1764790000000,
];
