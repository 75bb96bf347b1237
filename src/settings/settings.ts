import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RateLimits } from '../common/limits/rate-limits.js';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { CONFIG, type Config } from '../config/config.js';
import { REGISTRATION_MODES } from '../config/registration-modes.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { SettingsChanged } from '../domain-events/events.js';
import { StoredSettings } from './settings.entity.js';

/** How often a node looks whether another one has changed something whose news did not come. */
const LOOK_EVERY_MS = 5_000;

const ROW = 1;

/** The settings that hold. */
export type SettingValues = Pick<Config, 'registration' | 'allowedDomains' | 'registrationsPerHour'> & {
  readonly motd: string | null;
};

/** What is stored of them, before the first change. */
const NOTHING_SET: SettingsChanged = {
  version: 0,
  registration: null,
  allowedDomains: null,
  registrationsPerHour: null,
  motd: null,
};

/**
 * Settings that an admin changes while the server runs. Each is the environment's until then, and survives restarts from then on. In memory, so
 * that requests ask no database: a node hears of changes on others at once, and looks every five seconds, since news may be lost. Where the
 * database is away, the last known ones hold.
 */
@Injectable()
export class Settings implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new CalmLogger('Settings');
  /** Of this node. */
  readonly environment: SettingValues;
  private readonly listeners: (() => void)[] = [];
  private known: SettingsChanged = NOTHING_SET;
  private values: SettingValues;
  private timer?: NodeJS.Timeout;
  private isStopped = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly events: DomainEvents,
    private readonly limits: RateLimits,
    @Inject(CONFIG) { registration, allowedDomains, registrationsPerHour, motd }: Config,
  ) {
    this.environment = { registration, allowedDomains, registrationsPerHour, motd: motd ?? null };
    this.values = this.environment;
  }

  async onModuleInit(): Promise<void> {
    this.events.on('settingsChanged', (changed) => this.apply(changed));
    this.events.onElsewhere('settingsChanged', () => this.look());
    await this.look();
    this.lookSoon();
  }

  onApplicationShutdown(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  get current(): SettingValues {
    return this.values;
  }

  /** As they are stored, null where nothing is. */
  get stored(): SettingsChanged {
    return this.known;
  }

  /** Calls `changed` each time when a change has been made, here or on another node. */
  onChange(changed: () => void): void {
    this.listeners.push(changed);
  }

  /** Those that would hold on this node. */
  with({ registration, allowedDomains, registrationsPerHour, motd }: SettingsChanged): SettingValues {
    return {
      registration: registration ?? this.environment.registration,
      allowedDomains: allowedDomains ?? this.environment.allowedDomains,
      registrationsPerHour: registrationsPerHour ?? this.environment.registrationsPerHour,
      motd: (motd ?? this.environment.motd) || null,
    };
  }

  async read(tx: EntityManager): Promise<SettingsChanged> {
    const row = await tx.findOneBy(StoredSettings, { id: ROW });
    if (!row) return NOTHING_SET;
    return {
      version: row.version,
      // A word of a newer program, which this one does not know, must not open the door.
      registration:
        row.registration === null ? null : (REGISTRATION_MODES.find((m) => m === row.registration) ?? 'closed'),
      allowedDomains: row.allowedDomains?.split(',').filter((domain) => domain !== '') ?? null,
      registrationsPerHour: row.registrationsPerHour,
      motd: row.motd,
    };
  }

  /** Inside the transaction of an act, the only one that runs: stores the next version, which all nodes follow from the commit on. */
  async store(tx: EntityManager, settings: SettingsChanged): Promise<void> {
    // A fail-over of the database may have lost versions that nodes know: one that they know already would be old news to them.
    const changed = { ...settings, version: Math.max(settings.version, this.known.version) + 1 };
    const row = { ...changed, allowedDomains: changed.allowedDomains?.join() ?? null };
    if (settings.version === 0) await tx.insert(StoredSettings, { id: ROW, ...row });
    else await tx.update(StoredSettings, { id: ROW }, row);
    this.events.record(tx, 'settingsChanged', changed);
  }

  private async look(): Promise<void> {
    const before = this.known;
    const stored = await this.read(this.unitOfWork.read);
    // Where no change was heard meanwhile, the row is right, whatever its version: a fail-over may have lost the last change.
    if (this.known === before && !isDeepStrictEqual(stored, before)) this.follow(stored);
    else this.apply(stored);
  }

  private lookSoon(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      const failed = (error: unknown) => {
        if (!this.isStopped) this.logger.error(`Settings could not be read, and stay as they were: ${logLine(error)}`);
      };
      void this.look()
        .catch(failed)
        .finally(() => this.lookSoon());
    }, LOOK_EVERY_MS).unref();
  }

  /** A row that was read before another change was heard is older than what is known. */
  private apply(stored: SettingsChanged): void {
    if (stored.version > this.known.version) this.follow(stored);
  }

  private follow(stored: SettingsChanged): void {
    this.known = stored;
    this.values = Object.freeze(this.with(stored));
    this.limits.setRegistrationsPerHour(this.values.registrationsPerHour);
    if (this.values.registration === 'domains' && this.values.allowedDomains.length === 0)
      this.logger.warn(
        'Only addresses in some domains may register, and none is named: nobody can without an invitation.',
      );
    for (const changed of this.listeners) changed();
  }
}
