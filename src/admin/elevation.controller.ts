import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { Network } from '../common/limits/client-network.js';
import { NeedsRole } from '../identity/roles.js';
import { ElevateRequest, ElevationView } from './dto/elevation.dto.js';
import { ElevationService } from './elevation.service.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('moderator', { isElevated: false })
@Controller('http/admin/elevate')
export class ElevationController {
  constructor(private readonly elevation: ElevationService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Shows the password once more: for 15 minutes, this session may use the routes of its role',
  })
  @ApiOkResponse({ type: ElevationView })
  @ApiErrors(400, 403, 503)
  elevate(@CurrentUser() me: Identity, @Body() { password }: ElevateRequest, @Network() network: string) {
    return this.elevation.elevate(me, password, network);
  }
}
