import { Inject, Injectable } from '@nestjs/common';
import { appUrlOf } from '../config/app-url.js';
import { CONFIG, type Config } from '../config/config.js';
import type { Places } from '../mail/mails.js';

/** Where mails and small pages lead people: into the app where there is one, else to the small pages of this server. */
@Injectable()
export class Links implements Places {
  readonly home: string;
  readonly app: string | undefined;
  readonly forgot: string;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.app = appUrlOf(config);
    this.home = this.app ?? config.publicUrl;
    this.forgot = this.app === undefined ? `${config.publicUrl}/http/password/forgot` : `${this.app}/forgot`;
  }

  /** Always on this server: opening it creates the account. Browsers are then redirected to the app, if there is one. */
  registration(token: string): string {
    return `${this.config.publicUrl}/http/register/${token}`;
  }

  /** Undefined where people are led to no app: a small page for registering there is not. Behind the #, which no server and no log gets to see. */
  invitation(token: string): string | undefined {
    return this.app === undefined ? undefined : `${this.app}/register#invite=${token}`;
  }

  newPassword(token: string): string {
    return this.app === undefined
      ? `${this.config.publicUrl}/http/password/reset/${token}`
      : `${this.app}/reset/${token}`;
  }

  formerPassword(token: string): string {
    return `${this.config.publicUrl}/http/password/restore/${token}`;
  }

  newEmail(token: string): string {
    return `${this.config.publicUrl}/http/email/confirm/${token}`;
  }

  formerEmail(token: string): string {
    return `${this.config.publicUrl}/http/email/return/${token}`;
  }

  /** On this server, also where there is an app: it needs no login, and any browser saves it. */
  export(token: string): string {
    return `${this.config.publicUrl}/http/export/${token}`;
  }

  /** Target of a redirect. To this server's own web client it is a path, so that the host and port stay those that were asked. */
  inApp(route: string): string | undefined {
    if (this.app === undefined) return undefined;
    return (this.config.appUrl ?? this.config.publicPath) + route;
  }
}
