import { ApiProperty } from '@nestjs/swagger';
import { REGISTRATION_MODES, type RegistrationMode } from '../../config/registration-modes.js';
import { CLIENT_LIMITS } from './client-limits.js';
import { FEATURES, type Feature } from './features.js';

const described = Object.entries(CLIENT_LIMITS).map(
  ([name, { what }]) => [name, { type: 'integer', minimum: 1, description: what }] as const,
);

/** What a client can read before a login. */
export class ServerInfo {
  @ApiProperty({ description: 'The program', example: 'Parley' })
  name!: string;

  @ApiProperty({ description: 'Its version, for people', example: '0.1.0' })
  version!: string;

  @ApiProperty({
    type: 'integer',
    description: 'Increased where clients that were made for the number before do not work any more',
  })
  protocol!: number;

  @ApiProperty({ description: 'The address of this server, without a slash at the end' })
  public_url!: string;

  @ApiProperty({
    enum: Object.keys(FEATURES),
    isArray: true,
    description: `What it can do, in the order of the letters. ${Object.entries(FEATURES)
      .map(([word, what]) => `${word}: ${what}`)
      .join('; ')}`,
  })
  features!: Feature[];

  @ApiProperty({
    type: 'object',
    properties: Object.fromEntries(described),
    additionalProperties: { type: 'integer' },
    description: 'Limits for clients. A limit that is missing does not exist',
  })
  limits!: Record<string, number>;

  @ApiProperty({
    enum: REGISTRATION_MODES,
    description:
      'Who may register. open: everybody with an e-mail address; invite: whoever has an invitation; domains: whoever has an address in one of some domains; closed: nobody. An invitation passes each of them',
  })
  registration!: RegistrationMode;

  @ApiProperty({ description: 'Mails stay on this machine, and /dev/mail shows them' })
  dev_mail!: boolean;

  @ApiProperty({ description: 'There is a bot to ask' })
  bot!: boolean;

  @ApiProperty({
    type: String,
    nullable: true,
    maxLength: 500,
    description: "The operator's words to everybody; plain text",
  })
  motd!: string | null;
}
