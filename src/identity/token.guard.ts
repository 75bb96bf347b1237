import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Forbidden } from '../common/errors.js';
import { type Identity, PUBLIC } from '../common/identity.js';
import { ListTurns } from '../common/limits/list-turns.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { type CostOf, LIST_COST, READ_COST } from '../common/http/read-cost.js';
import type { ParleySocket } from '../sockets/events.js';
import { tokenMissing } from './access-tokens.js';
import { isConsole } from './console.js';
import { tokenInHeaders } from './given-token.js';
import { RoleCheck } from './role-check.js';
import { type Actor, NEEDS_ROLE, type RoleNeeded } from './roles.js';
import { Sessions } from './sessions.js';
import { SocketSessions } from './socket-sessions.js';

interface Request {
  method: string;
  headers: Record<string, string | string[] | undefined>;
  query?: unknown;
  body?: unknown;
  identity?: Identity;
  /** Where the route needs a role. */
  actor?: Actor;
  raw: IncomingMessage;
  routeOptions: { url?: string | undefined };
}

const ADMIN_ROUTE = /^\/http\/admin(\/|$)/;

/**
 * The one guard of both transports: it takes a token whose session lives, except for what is `@Public()`, and a role for what says
 * `@NeedsRole()`, which all routes below /http/admin have to.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: Sessions,
    private readonly sockets: SocketSessions,
    private readonly limits: RateLimits,
    private readonly listTurns: ListTurns,
    private readonly roles: RoleCheck,
  ) {}

  /**
   * Takes the token of a socket's event, and counts the event; also one that is refused next, since refusing costs as much as storing.
   * @returns undefined where the socket's session is known already: then nothing is to be awaited
   * @throws what `SocketSessions.bind` throws; RateLimited
   */
  admit(socket: ParleySocket, event: string, payload: unknown): Promise<void> | undefined {
    const count = (): void => this.count(event, socket.data.identity!.userId);
    const binding = this.sockets.bind(socket, (payload as { token?: unknown } | null | undefined)?.token);
    if (binding) return binding.then(count);
    count();
    return undefined;
  }

  async canActivate(context: ExecutionContext): Promise<true> {
    const route = [context.getHandler(), context.getClass()];
    const request = context.switchToHttp().getRequest<Request>();
    const needed = this.reflector.getAllAndOverride<RoleNeeded | undefined>(NEEDS_ROLE, route);
    if (!needed && ADMIN_ROUTE.test(request.routeOptions.url ?? ''))
      throw new Error(`${request.routeOptions.url} lacks @NeedsRole().`);
    if (!needed && this.reflector.getAllAndOverride<boolean>(PUBLIC, route)) return true;
    if (isConsole(request.raw)) {
      if (!needed?.isElevated) throw notForTheConsole();
      request.actor = 'console';
      return true;
    }
    const { userId, sessionId } = await this.sessions.authenticate(tokenIn(request.headers));
    request.identity = { userId, sessionId };
    if (request.method !== 'GET') this.limits.write(userId);
    else await this.countRead(userId, costOf(request, this.reflector.getAllAndOverride(READ_COST, route)));
    if (!needed) return true;
    await this.roles.assertMay(request.identity, needed);
    request.actor = request.identity;
    return true;
  }

  private async countRead(userId: number, cost: number): Promise<void> {
    this.limits.read(userId, cost);
    if (cost >= LIST_COST) await this.listTurns.next();
  }

  /** Each kind has a rate of its own: a client that types or reads a lot can still write. */
  private count(event: string, userId: number): void {
    if (event === 'typing') return this.limits.typing(userId);
    // The same as over HTTP.
    if (event === 'read' || event === 'react') return this.limits.write(userId);
    return this.limits.message(userId);
  }
}

const notForTheConsole = () =>
  new Forbidden(
    'The command line has no account: it may use what admins use below /http/admin, and what needs no token.',
  );

const costOf = ({ query, body }: Request, cost: number | CostOf = 1): number =>
  typeof cost === 'number' ? cost : cost({ ...Object(query), ...Object(body) });

function tokenIn(headers: Request['headers']): string {
  const token = tokenInHeaders(headers);
  if (token === undefined) throw tokenMissing();
  return token;
}
