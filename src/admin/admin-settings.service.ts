import { Injectable } from '@nestjs/common';
import { Invalid } from '../common/errors.js';
import type { SettingsChanged } from '../domain-events/events.js';
import type { Actor } from '../identity/roles.js';
import { Settings } from '../settings/settings.js';
import { Acts } from './acts.js';
import type { ChangeSettings, SettingsView } from './dto/admin-settings.dto.js';

/** Each setting as the wire and the audit log call it. */
const NAMES = {
  registration: 'registration',
  allowedDomains: 'allowed_domains',
  registrationsPerHour: 'registrations_per_hour',
  motd: 'motd',
} as const;

type Name = keyof typeof NAMES;

const ALL = Object.keys(NAMES) as Name[];

/** What admins set while the server runs. */
@Injectable()
export class AdminSettingsService {
  constructor(
    private readonly acts: Acts,
    private readonly settings: Settings,
  ) {}

  show(): SettingsView {
    const { current, environment, stored } = this.settings;
    const view = <N extends Name>(name: N) => ({
      is_set: stored[name] !== null,
      value: current[name],
      environment: environment[name],
    });
    return {
      version: stored.version,
      registration: view('registration'),
      allowed_domains: view('allowedDomains'),
      registrations_per_hour: view('registrationsPerHour'),
      motd: view('motd'),
    };
  }

  /**
   * Other nodes follow when this resolves, or within some seconds. What is set as it is already changes nothing.
   * @throws Invalid where only addresses in some domains may register, and none would be named
   */
  async change(actor: Actor, change: ChangeSettings): Promise<SettingsView> {
    await this.acts.run(actor, 'admin', async (tx) => {
      const before = await this.settings.read(tx);
      const after = changed(before, change);
      const names = ALL.filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
      if (names.length === 0) return { result: undefined };
      if (names.includes('registration') || names.includes('allowedDomains')) this.assertNamesDomain(after);
      await this.settings.store(tx, after);
      const detail = Object.fromEntries(names.map((name) => [NAMES[name], [noted(name, before), noted(name, after)]]));
      return { result: undefined, act: { action: 'change_settings', target: 'settings', detail } };
    });
    return this.show();
  }

  private assertNamesDomain(settings: SettingsChanged): void {
    const { registration, allowedDomains } = this.settings.with(settings);
    if (registration !== 'domains' || allowedDomains.length > 0) return;
    const fields = { allowed_domains: ['must name a domain where registration is domains'] };
    throw new Invalid('Name at least one domain in allowed_domains, or choose another registration.', fields);
  }
}

/** As the audit log keeps it, for ever: of a text, which may name people, only whether there is one. */
function noted(name: Name, settings: SettingsChanged): unknown {
  return name === 'motd' && settings.motd !== null ? settings.motd !== '' : settings[name];
}

/** A field that is missing stays as it is; null goes back to the environment. */
function changed(before: SettingsChanged, change: ChangeSettings): SettingsChanged {
  const { registration, allowed_domains: allowedDomains, registrations_per_hour: registrationsPerHour, motd } = change;
  return {
    version: before.version,
    registration: registration === undefined ? before.registration : registration,
    allowedDomains: allowedDomains === undefined ? before.allowedDomains : allowedDomains,
    registrationsPerHour: registrationsPerHour === undefined ? before.registrationsPerHour : registrationsPerHour,
    motd: motd === undefined ? before.motd : (motd?.trim() ?? null),
  };
}
