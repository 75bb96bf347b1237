import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTokens } from './access-tokens.js';
import { AuditEntry, AuditHead } from './audit/audit-entry.entity.js';
import { AuditLog } from './audit/audit-log.js';
import { Erasure } from './erasure.js';
import { NewAccounts } from './new-accounts.js';
import { Passwords } from './passwords.js';
import { RoleCheck } from './role-check.js';
import { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { SocketSessions } from './socket-sessions.js';
import { TokenGuard } from './token.guard.js';
import { User } from './user.entity.js';

/** Users, sessions and their tokens, for HTTP and for sockets. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([User, Session, AuditEntry, AuditHead])],
  providers: [
    TokenGuard,
    { provide: APP_GUARD, useExisting: TokenGuard },
    AccessTokens,
    AuditLog,
    NewAccounts,
    Passwords,
    RoleCheck,
    Sessions,
    SocketSessions,
    Erasure,
  ],
  exports: [AccessTokens, AuditLog, NewAccounts, Passwords, RoleCheck, Sessions, SocketSessions, Erasure, TokenGuard],
})
export class IdentityModule {}
