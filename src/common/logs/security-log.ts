import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';

/** Why a session ended. */
export type SessionEnd =
  | 'logout'
  | 'owner'
  | 'limit'
  | 'password_set'
  | 'password_reset'
  | 'password_restored'
  | 'email_returned'
  | 'erasure'
  | 'operator'
  | 'suspension';

/** Whoever was refused at the edge, and where: in a request, or on a socket. */
export interface Refused {
  user_id?: number;
  network?: string;
  request_id?: string;
  socket_id?: string;
}

/**
 * Every event of the security log, with its fields: ids and networks, and never an address, a token or a text.
 * docs/operations.md describes each for operators.
 */
export interface SecurityEvents {
  registration: { network: string };
  account_created: { user_id: number; invite_id?: number };
  login: { user_id: number; session_id: number; network: string };
  login_failed: { user_id?: number; network: string };
  /** A password was not checked: too many wrong ones came before it. */
  locked_out: { user_id?: number; network: string };
  wrong_password: { user_id: number; session_id: number; network: string };
  /** Forged, of another server, expired, or of a session that has ended. */
  token_refused: { code: string } & Refused;
  session_ended: { user_id: number; session_id: number; by: SessionEnd };
  /** By a user who was logged in; `proven` where the current password was sent along. */
  password_set: { user_id: number; session_id: number; proven: boolean; network: string };
  reset_requested: { network: string };
  password_reset: { user_id: number; network: string };
  password_restored: { user_id: number; network: string };
  email_change_requested: { user_id: number; session_id: number; network: string };
  email_change_refused: { user_id: number; session_id: number; network: string };
  email_changed: { user_id: number; network: string };
  /** The former address is the account's again. */
  email_returned: { user_id: number; network: string };
  /** Without session and network where those who run the server have asked for it. */
  export_requested: { user_id: number; session_id?: number; network?: string };
  /** By whoever has the link, a mail scanner perhaps; `user_id` is whose export it is. */
  export_downloaded: { user_id: number; network: string };
  reauthentication_demanded: { user_id: number; session_id: number; network: string };
  erasure_refused: { user_id: number; session_id: number; network: string };
  /** Without a network where an admin, or the command line, has erased it. */
  account_erased: { user_id: number; network?: string };
  /** A session may use the routes of its user's role for a while. */
  elevated: { user_id: number; session_id: number; network: string };
  /** A right password of somebody who is suspended. */
  suspended_login: { user_id: number; network: string };
  limit_reached: Refused;
  origin_refused: Refused;
}

export type SecurityEvent = keyof SecurityEvents;

/** Events that strangers can cause as often as they like: the first of a kind and network is logged at once, the others once a second. */
const GATHERED: ReadonlySet<SecurityEvent> = new Set([
  'registration',
  'login_failed',
  'locked_out',
  'wrong_password',
  'token_refused',
  'reset_requested',
  'limit_reached',
  'origin_refused',
]);
const GATHER_MS = 1_000;
/** Kinds and networks in one second; events of further networks are counted in one line for each kind. */
const MOST_GATHERED = 200;
const SEVERAL = 'several';

/** Logs one line for each event that concerns security: JSON in production, words elsewhere. */
@Injectable()
export class SecurityLog implements OnApplicationShutdown {
  private readonly logger = new Logger('Security');
  /** Events after the first of their kind and network within this second. Local to a node, as its log is. */
  private readonly gathered = new Map<string, { event: SecurityEvent; details: object; count: number }>();
  private timer?: NodeJS.Timeout | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  log<Name extends SecurityEvent>(event: Name, details: SecurityEvents[Name]): void {
    if (!GATHERED.has(event)) return this.write(event, details);
    const { network = '' } = details as { network?: string };
    const isRoom = this.gathered.size < MOST_GATHERED;
    const key = `${event} ${isRoom || this.gathered.has(`${event} ${network}`) ? network : SEVERAL}`;
    const before = this.gathered.get(key);
    if (before) {
      before.count++;
      before.details = details;
      return;
    }
    if (isRoom) {
      this.write(event, details);
      this.gathered.set(key, { event, details, count: 0 });
    } else {
      this.gathered.set(key, { event, details: { network: SEVERAL }, count: 1 });
    }
    this.timer ??= setTimeout(() => this.writeGathered(), GATHER_MS).unref();
  }

  onApplicationShutdown(): void {
    this.writeGathered();
  }

  private writeGathered(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const gathered = [...this.gathered];
    this.gathered.clear();
    for (const [key, { event, details, count }] of gathered) {
      if (count === 0) continue;
      const isOfMany = key.endsWith(` ${SEVERAL}`);
      this.write(event, isOfMany ? { network: SEVERAL, count } : { ...details, count });
    }
  }

  private write(event: SecurityEvent, details: object): void {
    if (this.config.production) {
      this.logger.log({ event, ...details });
      return;
    }
    const words = Object.entries(details).map(([name, value]) => `${name}=${String(value)}`);
    this.logger.log([event, ...words].join(' '));
  }
}
