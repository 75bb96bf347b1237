import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTokens, SECRET } from './access-tokens.js';
import { AuthController } from './auth.controller.js';
import { Housekeeping } from './housekeeping.js';
import { LoginService } from './login.service.js';
import { Passwords } from './passwords.js';
import { Registration } from './registration.entity.js';
import { RegistrationService } from './registration.service.js';
import { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { SocketSessions } from './socket-sessions.js';
import { TokenGuard } from './token.guard.js';
import { User } from './user.entity.js';

@Module({})
export class AuthModule {
  /** @param mail the module that sends the mails, set up already */
  static with(secret: string, mail: DynamicModule): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports: [TypeOrmModule.forFeature([User, Session, Registration]), mail],
      controllers: [AuthController],
      providers: [
        { provide: SECRET, useValue: secret },
        { provide: APP_GUARD, useClass: TokenGuard },
        AccessTokens,
        Passwords,
        Sessions,
        SocketSessions,
        RegistrationService,
        LoginService,
        Housekeeping,
      ],
      // Other features send mails too.
      exports: [Passwords, Sessions, SocketSessions, mail],
    };
  }
}
