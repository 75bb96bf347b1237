import { Body, Controller, Get, Patch, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { type Actor, CurrentActor, NeedsRole } from '../identity/roles.js';
import { AdminReportsService } from './admin-reports.service.js';
import {
  AdminReportsQuery,
  AdminReportView,
  OpenedReport,
  SettledReport,
  SettleReport,
} from './dto/admin-reports.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('moderator')
@Controller('http/admin/reports')
export class AdminReportsController {
  constructor(
    private readonly reports: AdminReportsService,
    private readonly limits: RateLimits,
  ) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'Reports, newest first, without what was said' })
  @ApiOkResponse({ type: [AdminReportView] })
  @ApiErrors(400, 403)
  list(@Data() query: AdminReportsQuery) {
    return this.reports.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Opens a report, with what was said: the audit log notes who did' })
  @ApiOkResponse({ type: OpenedReport })
  @ApiErrors(400, 403, 404)
  open(@CurrentActor() actor: Actor, @IdParam('id') id: number) {
    // It writes a row, as a change does.
    if (actor !== 'console') this.limits.write(actor.userId);
    return this.reports.open(actor, id);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Settles a report, and deletes the message or suspends its sender' })
  @ApiOkResponse({ type: SettledReport })
  @ApiErrors(400, 403, 404, 409)
  settle(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() request: SettleReport) {
    return this.reports.settle(actor, id, request);
  }
}
