import { type DynamicModule, Module } from '@nestjs/common';
import { AdminModule } from './admin/admin.module.js';
import { AppController } from './api/http/app.controller.js';
import { AuthModule } from './auth/auth.module.js';
import { BotModule } from './bot/bot.module.js';
import { ChatGroupsModule } from './chat-groups/chat-groups.module.js';
import { ChatRoomsModule } from './chat-rooms/chat-rooms.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { CommonModule } from './common/common.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DomainEventsModule } from './domain-events/domain-events.module.js';
import { GatewayModule } from './api/gateway/gateway.module.js';
import { HealthModule } from './api/health/health.module.js';
import { IdentityModule } from './identity/identity.module.js';
import { MailModule } from './mail/mail.module.js';
import { MetricsModule } from './api/metrics/metrics.module.js';
import { ChatSettingsModule } from './chat-settings/chat-settings.module.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { PeopleModule } from './people/people.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { ServerInfoModule } from './api/server-info/server-info.module.js';
import { SettingsModule } from './settings/settings.module.js';
import { SocketsModule } from './sockets/sockets.module.js';
import { UsersModule } from './users/users.module.js';

/** The table of contents. */
@Module({})
export class AppModule {
  /** @param secret signs tokens and encrypts mails */
  static with(config: Config, secret: string): DynamicModule {
    return {
      module: AppModule,
      // The root leads only to the documentation, and to an operator's own pages.
      controllers: config.apiDocs || config.appUrl !== undefined ? [AppController] : [],
      imports: [
        GatewayModule,
        HealthModule,
        MetricsModule,
        ServerInfoModule,
        AdminModule,
        AuthModule,
        UsersModule,
        ChatRoomsModule,
        ChatGroupsModule,
        BotModule,
        NotificationsModule,
        ChatSettingsModule,
        ReportsModule,
        PeopleModule,
        IdentityModule,
        MailModule.with(config),
        SettingsModule,
        SocketsModule,
        DomainEventsModule,
        ClusterModule.with(config),
        DatabaseModule.with(config),
        CommonModule,
        ConfigModule.with(config, secret),
      ],
    };
  }
}
