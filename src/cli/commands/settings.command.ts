import { Argument } from 'commander';
import type { ChangeSettings, SettingsView } from '../../admin/dto/admin-settings.dto.js';
import type { AddCommands } from '../command.js';
import { HOW, onServer } from '../console/on-server.js';
import { columns } from '../output.js';

/** How each setting is written on the command line. */
const READERS: Readonly<Record<keyof ChangeSettings, (word: string) => unknown>> = {
  registration: (word) => word,
  allowed_domains: (word) => word.split(',').map((one) => one.trim()),
  registrations_per_hour: (word) => (/^\d{1,10}$/.test(word) ? Number(word) : word),
  motd: (word) => word,
};

const isSetting = (name: string): name is keyof ChangeSettings => Object.hasOwn(READERS, name);

export const settingsCommands: AddCommands = (program, done) => {
  const group = program
    .command('settings')
    .summary('change settings while the server runs')
    .description(`Shows and changes the settings that need no restart, on all nodes. ${HOW}`);

  onServer(
    group.command('show').summary('what holds').description('Shows what holds, and where it is from.'),
    done,
    async ({ out, server }) => {
      const settings = await server.get<SettingsView>('/http/admin/settings');
      for (const line of linesOf(settings)) out.line(line);
      out.json({ ok: true, settings });
    },
  );

  onServer(
    group
      .command('set')
      .summary('change one')
      .description(
        'Changes one setting. Domains are separated by commas. Without a value, it is again what the environment says.',
      )
      .addArgument(new Argument('<name>', 'of the setting').choices(Object.keys(READERS)))
      .argument('[value]', 'what holds from now on'),
    done,
    async ({ out, server }, _options, word, value) => {
      // Nothing else is taken: see above.
      const name = word as keyof ChangeSettings;
      const change = { [name]: value === undefined ? null : READERS[name](value) };
      const settings = await server.act<SettingsView>('PUT', '/http/admin/settings', change);
      for (const line of linesOf(settings)) out.line(line);
      out.json({ ok: true, settings });
    },
  );
};

function linesOf(settings: SettingsView): string[] {
  const names = Object.keys(READERS).filter(isSetting);
  return columns(
    names.map((name) => {
      const { value, is_set: isSet } = settings[name];
      const shown = Array.isArray(value) ? value.join(', ') : (value ?? '');
      return [name, String(shown) || '(none)', isSet ? 'set' : 'from the environment'];
    }),
  );
}
