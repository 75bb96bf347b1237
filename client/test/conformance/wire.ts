/** What an answer of HTTP says, as far as a client reads it. */
export interface Answer {
  readonly status: number;
  readonly body: any;
  readonly retryAfter?: string;
  readonly link?: string;
}

/** Something that a socket was told, in the order in which it came: events, acknowledgements, and its end. */
export interface Told {
  readonly name: string;
  readonly payload: any;
}

export interface WireSocket {
  /** In the order in which it came, acknowledgements as `acknowledgement`, and the end as `closed`. */
  readonly told: readonly Told[];
  /** @param isTold false: the acknowledgement does not stand in `told`; of many at once, it is not certain where it would */
  emit(event: string, payload?: unknown, isTold?: boolean): Promise<any>;
  /** With a goodbye. */
  close(): void;
  /** The network breaks, without a word. */
  drop(): void;
}

export interface WirePerson {
  readonly id: number;
  readonly email: string;
  readonly name: string;
  token: string;
}

/** The server that answers is one of two: the real one, on real sockets, or the one in memory. */
export interface Wire {
  /** Somebody who has an account already, and is logged in. Their password is `nobody knows`. */
  person(firstName: string): Promise<WirePerson>;
  fetch(
    method: string,
    path: string,
    asked?: { token?: string | undefined; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** Rejects with what the handshake was refused for. */
  connect(token: string): Promise<WireSocket>;
  /** A moment passes. */
  moment(): Promise<void>;
  /** Waits for a fact, in the one's time or in the other's. */
  until<T>(ask: () => Promise<T | undefined> | T | undefined, what: string): Promise<T>;
  /** The paths of the links that were mailed to an address, the newest first. */
  links(email: string): Promise<string[]>;
  /** What is written on them. */
  subjects(email: string): Promise<string[]>;
  /** So much time is over, for what is stored. Only for scenes without sockets of their own. */
  later(ms: number): Promise<void>;
  /** The bot says what it is told to, to the question that it was asked last. */
  readonly bot: { asked(): number; say(text: string): void; end(): void; fail(): void };
  /** Those who look after the server freeze a group, or end that. */
  freeze(groupId: number, isFrozen?: boolean): Promise<void>;
  /** They shut somebody out, or let them in again. */
  suspend(userId: number, isSuspended?: boolean): Promise<void>;
  /** Each socket is told that it may have missed something. */
  resync(): Promise<void>;
  /** What an operator sets while the server runs. */
  operate(changed: {
    registration?: 'open' | 'invite' | 'domains' | 'closed';
    allowed_domains?: string[];
    motd?: string;
  }): Promise<void>;
  /** An invitation that makes so many accounts. @returns its token */
  invite(uses: number): Promise<string>;
  /** Stops, and starts again on what is stored. All connections break. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

export interface WireOptions {
  /** Rates are off unless a scenario is about them. */
  readonly rates: boolean;
}

/** In letters that an address may have. */
export const emailOf = (firstName: string): string =>
  `${firstName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '')}@example.com`;
