import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';

/** The user and session of a request or a socket, as the guard has verified them. */
export interface Identity {
  readonly userId: number;
  readonly sessionId: number;
}

export const PUBLIC = 'parley:public';

/** The route needs no token. All others do. */
export const Public = () => SetMetadata(PUBLIC, true);

/** The caller's Identity, over HTTP. Never with `@Public()`, where the guard does not verify any. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): Identity =>
    context.switchToHttp().getRequest<{ identity: Identity }>().identity,
);
