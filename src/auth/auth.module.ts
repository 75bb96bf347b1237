import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AccountErasureService } from './account-erasure.service.js';
import { AuthController } from './auth.controller.js';
import { Housekeeping } from './housekeeping.js';
import { Links } from './links.js';
import { LoginService } from './login.service.js';
import { OwnPassword } from './own-password.js';
import { OwnSessionsService } from './own-sessions.service.js';
import { Pages } from './pages.js';
import { PasswordController } from './password.controller.js';
import { PasswordPages } from './password-pages.js';
import { PasswordReset } from './password-reset.entity.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { PasswordRules } from './password-rules.js';
import { ProfileController } from './profile.controller.js';
import { ProfileService } from './profile.service.js';
import { Registration } from './registration.entity.js';
import { RegistrationService } from './registration.service.js';
import { ReplacedPassword } from './replaced-password.entity.js';
import { SessionsController } from './sessions.controller.js';

/** Accounts: registration, login, lost passwords, one's own sessions, profile and erasure. */
@Module({
  imports: [TypeOrmModule.forFeature([Registration, PasswordReset, ReplacedPassword]), ConversationsModule],
  controllers: [AuthController, PasswordController, SessionsController, ProfileController],
  providers: [
    AccountErasureService,
    Housekeeping,
    Links,
    LoginService,
    OwnPassword,
    OwnSessionsService,
    Pages,
    PasswordPages,
    PasswordResetService,
    PasswordRestoreService,
    PasswordRules,
    ProfileService,
    RegistrationService,
  ],
})
export class AuthModule {}
