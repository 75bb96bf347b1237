import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { ReportMade, ReportRequest } from './dto/report.dto.js';
import { ReportsService } from './reports.service.js';

@ApiTags('reports')
@ApiToken()
@Controller('http/reports')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  @Post()
  @ApiOperation({
    summary: 'Reports a message to the moderators, who get a copy of it and of the four before it; twice is once',
  })
  @ApiCreatedResponse({ type: ReportMade })
  @ApiErrors(400, 404, 410)
  make(@CurrentUser() me: Identity, @Body() request: ReportRequest) {
    return this.reports.make(me, request);
  }
}
