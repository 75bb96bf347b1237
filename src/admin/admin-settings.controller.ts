import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { type Actor, CurrentActor, NeedsRole } from '../identity/roles.js';
import { AdminSettingsService } from './admin-settings.service.js';
import { ChangeSettings, SettingsView } from './dto/admin-settings.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/settings')
export class AdminSettingsController {
  constructor(private readonly settings: AdminSettingsService) {}

  @Get()
  @ApiOperation({ summary: 'What is set, and what the environment says' })
  @ApiOkResponse({ type: SettingsView })
  @ApiErrors(403)
  show() {
    return this.settings.show();
  }

  @Put()
  @ApiOperation({ summary: 'Sets what is sent, on all nodes, also after a restart; null goes back to the environment' })
  @ApiOkResponse({ type: SettingsView })
  @ApiErrors(400, 403)
  change(@CurrentActor() actor: Actor, @Body() change: ChangeSettings) {
    return this.settings.change(actor, change);
  }
}
