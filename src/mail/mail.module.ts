import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, Optional } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailerModule, MailerService } from '@nestjs-modules/mailer';
import { CONFIG, type Config } from '../config/config.js';
import { SECRET } from '../config/secret.js';
import { DevMailController } from './dev-mail.controller.js';
import { MailDelivery } from './mail-delivery.js';
import { MailDispatcher } from './mail-dispatcher.js';
import { mailerOptions } from './mailer-options.js';
import { Outbox } from './outbox.js';
import { OutboxMail } from './outbox-mail.entity.js';
import { Seal } from './seal.js';
import { domainOf, FileTransport, MAIL_TRANSPORT, outboxFolder, SmtpTransport } from './transport.js';

@Module({})
export class MailModule implements OnApplicationBootstrap {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Optional() private readonly smtp?: SmtpTransport,
  ) {}

  static with(config: Config): DynamicModule {
    const { smtpUrl } = config;
    return {
      module: MailModule,
      global: true,
      imports: [TypeOrmModule.forFeature([OutboxMail]), MailerModule.forRoot(mailerOptions(config))],
      controllers: config.devMail ? [DevMailController] : [],
      providers: [
        {
          provide: Seal,
          inject: [SECRET],
          useFactory: (secret: string) => new Seal(secret, config.jwtSecretPrevious),
        },
        ...(smtpUrl
          ? [SmtpTransport, { provide: MAIL_TRANSPORT, useExisting: SmtpTransport }]
          : [
              {
                provide: MAIL_TRANSPORT,
                inject: [MailerService],
                useFactory: (mailer: MailerService) =>
                  new FileTransport(mailer, outboxFolder(config), domainOf(config)),
              },
            ]),
        MailDelivery,
        MailDispatcher,
        Outbox,
      ],
      exports: [Outbox],
    };
  }

  onApplicationBootstrap(): void {
    if (this.config.worksOnWhatWaits) void this.smtp?.diagnose();
  }
}
