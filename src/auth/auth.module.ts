import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTokens, SECRET } from '../identity/access-tokens.js';
import { AuthController } from './auth.controller.js';
import { Erasure } from '../identity/erasure.js';
import { Housekeeping } from './housekeeping.js';
import { LastSeen } from '../people/last-seen.js';
import { LoginService } from './login.service.js';
import { OwnSessionsService } from './own-sessions.service.js';
import { Pages } from './pages.js';
import { PasswordController } from './password.controller.js';
import { PasswordReset } from './password-reset.entity.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { PasswordRules } from './password-rules.js';
import { Passwords } from '../identity/passwords.js';
import { PresenceNews } from '../people/presence-news.js';
import { Registration } from './registration.entity.js';
import { RegistrationService } from './registration.service.js';
import { ReplacedPassword } from './replaced-password.entity.js';
import { Session } from '../identity/session.entity.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from '../identity/sessions.js';
import { SocketSessions } from '../identity/socket-sessions.js';
import { TokenGuard } from '../identity/token.guard.js';
import { UserNews } from '../people/user-news.js';
import { User } from '../identity/user.entity.js';

@Module({})
export class AuthModule {
  /** @param mail the module that sends the mails, set up already */
  static with(secret: string, mail: DynamicModule): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports: [TypeOrmModule.forFeature([User, Session, Registration, PasswordReset, ReplacedPassword]), mail],
      controllers: [AuthController, PasswordController, SessionsController],
      providers: [
        { provide: SECRET, useValue: secret },
        { provide: APP_GUARD, useClass: TokenGuard },
        AccessTokens,
        Passwords,
        PasswordRules,
        Sessions,
        SocketSessions,
        Erasure,
        Pages,
        OwnSessionsService,
        RegistrationService,
        PasswordResetService,
        PasswordRestoreService,
        LoginService,
        Housekeeping,
        LastSeen,
        PresenceNews,
        UserNews,
      ],
      // Other features send mails too.
      exports: [
        Passwords,
        PasswordRules,
        PasswordRestoreService,
        Sessions,
        SocketSessions,
        Erasure,
        PresenceNews,
        UserNews,
        mail,
      ],
    };
  }
}
