import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTokens } from './access-tokens.js';
import { Erasure } from './erasure.js';
import { Passwords } from './passwords.js';
import { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { SocketSessions } from './socket-sessions.js';
import { TokenGuard } from './token.guard.js';
import { User } from './user.entity.js';

/** Users, sessions and their tokens, for HTTP and for sockets. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([User, Session])],
  providers: [{ provide: APP_GUARD, useClass: TokenGuard }, AccessTokens, Passwords, Sessions, SocketSessions, Erasure],
  exports: [AccessTokens, Passwords, Sessions, SocketSessions, Erasure],
})
export class IdentityModule {}
