import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional, ValidateBy } from 'class-validator';
import { IntegerField, TextField } from '../../common/fields.js';
import { domainOf, MOST_DOMAINS } from '../../config/domain-names.js';
import { REGISTRATION_MODES, type RegistrationMode } from '../../config/registration-modes.js';
import { MAX_MOTD, MOST } from '../../config/validators.js';
import { WordField } from './admin-users.dto.js';

const isDomain = (value: unknown): boolean => typeof value === 'string' && domainOf(value) === value;

/** Domains as they are compared: in lower case and punycode, each once. */
const DomainsField = (description: string): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'array',
      items: { type: 'string', example: 'example.com' },
      maxItems: MOST_DOMAINS,
      nullable: true,
      description,
    }),
    IsOptional(),
    Transform(({ value }: { value: unknown }) =>
      Array.isArray(value)
        ? [...new Set(value.map((one: unknown) => (typeof one === 'string' ? (domainOf(one) ?? one) : one)))]
        : value,
    ),
    ValidateBy(
      {
        name: 'domains',
        validator: {
          validate: (value) => Array.isArray(value) && value.length <= MOST_DOMAINS && value.every(isDomain),
        },
      },
      { message: `must be a list of at most ${MOST_DOMAINS} domains like example.com` },
    ),
  );

/** Fields that are missing stay as they are; null goes back to what the environment says. */
export class ChangeSettings {
  @WordField('Who may register; null: as REGISTRATION says', REGISTRATION_MODES)
  registration?: RegistrationMode | null;

  @DomainsField('Whose addresses may register where `registration` is domains; null: as ALLOWED_DOMAINS says')
  allowed_domains?: string[] | null;

  @IntegerField({
    description: 'Registrations that are taken in an hour, all in all; null: as REGISTRATIONS_PER_HOUR says',
    max: MOST,
    optional: true,
  })
  registrations_per_hour?: number | null;

  @TextField({
    description: 'What clients show to everybody; empty: nothing; null: as MOTD says',
    min: 0,
    max: MAX_MOTD,
    optional: true,
  })
  motd?: string | null;
}

/** A setting: what holds, and where it is from. */
abstract class SettingView {
  @ApiProperty({ description: 'An admin has set it; false: it is what the environment says' })
  is_set!: boolean;
}

export class ModeSetting extends SettingView {
  @ApiProperty({ enum: REGISTRATION_MODES, description: 'What holds' })
  value!: RegistrationMode;

  @ApiProperty({ enum: REGISTRATION_MODES, description: 'REGISTRATION, on the node that answers' })
  environment!: RegistrationMode;
}

export class DomainsSetting extends SettingView {
  @ApiProperty({ type: [String], description: 'What holds' })
  value!: readonly string[];

  @ApiProperty({ type: [String], description: 'ALLOWED_DOMAINS, on the node that answers' })
  environment!: readonly string[];
}

export class NumberSetting extends SettingView {
  @ApiProperty({ type: 'integer', description: 'What holds' })
  value!: number;

  @ApiProperty({ type: 'integer', description: 'REGISTRATIONS_PER_HOUR, on the node that answers' })
  environment!: number;
}

export class MotdSetting extends SettingView {
  @ApiProperty({ type: String, nullable: true, description: 'What holds; null: none' })
  value!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'MOTD, on the node that answers; null: none' })
  environment!: string | null;
}

export class SettingsView {
  @ApiProperty({ type: 'integer', description: 'One more with each change; 0: nothing was ever changed' })
  version!: number;

  @ApiProperty({ type: ModeSetting })
  registration!: ModeSetting;

  @ApiProperty({ type: DomainsSetting })
  allowed_domains!: DomainsSetting;

  @ApiProperty({ type: NumberSetting })
  registrations_per_hour!: NumberSetting;

  @ApiProperty({ type: MotdSetting })
  motd!: MotdSetting;
}
