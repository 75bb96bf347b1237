import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';

/** Who a request or a socket speaks for, as the guard found out. */
export interface Identity {
  readonly userId: number;
  readonly sessionId: number;
}

export const PUBLIC = 'parley:public';

/** Lets nobody in particular call the route. Everything without it needs a token. */
export const Public = () => SetMetadata(PUBLIC, true);

/** The caller's Identity, on both transports. Only where the guard ran: never beside `@Public()`. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): Identity => {
  return context.getType() === 'http'
    ? context.switchToHttp().getRequest<{ identity: Identity }>().identity
    : context.switchToWs().getClient<{ data: { identity: Identity } }>().data.identity;
});
