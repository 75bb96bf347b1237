import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Identity, PUBLIC } from '../common/identity.js';
import { ListTurns } from '../common/limits/list-turns.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { type CostOf, LIST_COST, READ_COST } from '../common/http/read-cost.js';
import type { ParleySocket } from '../sockets/events.js';
import { tokenMissing } from './access-tokens.js';
import { tokenInHeaders } from './given-token.js';
import { Sessions } from './sessions.js';
import { SocketSessions } from './socket-sessions.js';

interface Request {
  method: string;
  headers: Record<string, string | string[] | undefined>;
  query?: unknown;
  body?: unknown;
  identity?: Identity;
}

/** The one guard of both transports: it takes a token whose session lives, except for what is `@Public()`. */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly sessions: Sessions,
    private readonly sockets: SocketSessions,
    private readonly limits: RateLimits,
    private readonly listTurns: ListTurns,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    if (context.getType() === 'ws') {
      const ws = context.switchToWs();
      const socket = ws.getClient<ParleySocket>();
      await this.sockets.bind(socket, tokenOf(ws.getData()));
      // Also messages that are refused next are counted: refusing costs as much as storing.
      this.count(ws.getPattern(), socket.data.identity!.userId);
      return true;
    }
    const route = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, route)) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const { userId, sessionId } = await this.sessions.authenticate(tokenIn(request.headers));
    request.identity = { userId, sessionId };
    if (request.method !== 'GET') this.limits.write(userId);
    else await this.countRead(userId, costOf(request, this.reflector.getAllAndOverride(READ_COST, route)));
    return true;
  }

  private async countRead(userId: number, cost: number): Promise<void> {
    this.limits.read(userId, cost);
    if (cost >= LIST_COST) await this.listTurns.next();
  }

  /** Each kind has a rate of its own: a client that types or reads a lot can still write. */
  private count(event: string, userId: number): void {
    if (event === 'typing') return this.limits.typing(userId);
    // The same as PUT /notifications.
    if (event === 'read') return this.limits.write(userId);
    return this.limits.message(userId);
  }
}

const costOf = ({ query, body }: Request, cost: number | CostOf = 1): number =>
  typeof cost === 'number' ? cost : cost({ ...Object(query), ...Object(body) });

const tokenOf = (payload: unknown): unknown => (payload as { token?: unknown } | null | undefined)?.token;

function tokenIn(headers: Request['headers']): string {
  const token = tokenInHeaders(headers);
  if (token === undefined) throw tokenMissing();
  return token;
}
