import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { ServerUpdate } from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';
import { Settings, type SettingValues } from '../../settings/settings.js';

/** What `GET /http/server` says that an admin can change. */
export type ChangingInfo = Pick<SettingValues, 'registration' | 'motd'>;

export const changingInfo = ({ registration, motd }: SettingValues): ChangingInfo => ({ registration, motd });

/**
 * Tells sockets what has changed of what `GET /http/server` says, so that no client has to ask again. Each node tells its own: they learn of a
 * change by themselves, and what their environments say may differ.
 */
@Injectable()
export class ServerNews implements OnApplicationBootstrap {
  private told!: ChangingInfo;

  constructor(
    private readonly settings: Settings,
    private readonly publisher: Publisher,
  ) {}

  onApplicationBootstrap(): void {
    this.told = changingInfo(this.settings.current);
    this.settings.onChange(() => this.tell());
  }

  private tell(): void {
    const [before, now] = [this.told, changingInfo(this.settings.current)];
    this.told = now;
    const update: ServerUpdate = {
      ...(now.registration !== before.registration && { registration: now.registration }),
      ...(now.motd !== before.motd && { motd: now.motd }),
    };
    if (Object.keys(update).length > 0) this.publisher.serverUpdate(update);
  }
}
