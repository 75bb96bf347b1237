import { ApiPropertyOptional } from '@nestjs/swagger';
import { REGISTRATION_MODES, type RegistrationMode } from '../../config/registration-modes.js';

/** What `GET /http/server` says has changed: what is missing here stays as it was. */
export class ServerUpdate {
  @ApiPropertyOptional({ enum: REGISTRATION_MODES, description: 'Who may register' })
  registration?: RegistrationMode;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    maxLength: 500,
    description: "The operator's words to everybody; null: none any more",
  })
  motd?: string | null;
}
