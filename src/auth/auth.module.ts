import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AccountErasureService } from './account-erasure.service.js';
import { Admission } from './admission.js';
import { AdminsByEmail } from './admins-by-email.js';
import { AuthController } from './auth.controller.js';
import { EmailChangeService } from './email/email-change.service.js';
import { EmailController } from './email/email.controller.js';
import { EmailLink } from './email/email-link.entity.js';
import { EmailLinks } from './email/email-links.js';
import { EmailPages } from './email/email-pages.js';
import { EmailReturnService } from './email/email-return.service.js';
import { ExportController } from './export/export.controller.js';
import { ExportDownloadService } from './export/export-download.service.js';
import { ExportMaker } from './export/export-maker.js';
import { ExportRemoval } from './export/export-removal.js';
import { ExportRequestService } from './export/export-request.service.js';
import { Export, ExportPart } from './export/export.entity.js';
import { OwnData } from './export/own-data.js';
import { Housekeeping } from './housekeeping.js';
import { Invite } from './invite.entity.js';
import { Invites } from './invites.js';
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

/** Accounts: registration, login, lost passwords, one's own sessions, profile, export and erasure. */
@Module({
  imports: [
    TypeOrmModule.forFeature([EmailLink, Export, ExportPart, Invite, Registration, PasswordReset, ReplacedPassword]),
    ConversationsModule,
  ],
  controllers: [
    AuthController,
    EmailController,
    PasswordController,
    SessionsController,
    ProfileController,
    ExportController,
  ],
  providers: [
    AccountErasureService,
    AdminsByEmail,
    Admission,
    EmailChangeService,
    EmailLinks,
    EmailPages,
    EmailReturnService,
    ExportDownloadService,
    ExportMaker,
    ExportRemoval,
    ExportRequestService,
    Housekeeping,
    Invites,
    Links,
    LoginService,
    OwnData,
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
  exports: [
    AccountErasureService,
    ExportRequestService,
    Invites,
    Links,
    OwnPassword,
    OwnSessionsService,
    PasswordResetService,
  ],
})
export class AuthModule {}
