import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { NeedsRole } from '../identity/roles.js';
import { StatsView } from './dto/stats.dto.js';
import { StatsService } from './stats.service.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/stats')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  @Get()
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'How many people, chats and messages there are' })
  @ApiOkResponse({ type: StatsView })
  @ApiErrors(403)
  get() {
    return this.stats.get();
  }
}
