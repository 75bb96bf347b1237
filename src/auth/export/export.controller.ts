import { Body, Controller, Get, HttpCode, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors, ApiToken } from '../../common/http/api.js';
import { CurrentUser, type Identity, Public } from '../../common/identity.js';
import { Network } from '../../common/limits/client-network.js';
import { MailAnswer } from '../dto/recovery.dto.js';
import { ExportDownloadService } from './export-download.service.js';
import { ExportRequestService } from './export-request.service.js';
import { ExportPageErrorFilter } from './export-pages.js';
import { ExportRequest } from './export.dto.js';

@ApiTags('account')
@Controller('http')
export class ExportController {
  constructor(
    private readonly requests: ExportRequestService,
    private readonly downloads: ExportDownloadService,
  ) {}

  @Post('users/profile/export')
  @ApiToken()
  @HttpCode(202)
  @ApiOperation({ summary: "Has an export made of what is the caller's own, and sends a link to it by mail" })
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 403, 429, 503)
  async ask(
    @CurrentUser() me: Identity,
    @Body() { password }: ExportRequest,
    @Network() network: string,
  ): Promise<MailAnswer> {
    await this.requests.ask(me, password, network);
    return { message: 'Once the export is ready, a mail with a link to it is on its way to your address.' };
  }

  @Get('export/:token')
  @Public()
  @UseFilters(ExportPageErrorFilter)
  @ApiOperation({ summary: 'The export that a link from a mail leads to, as a zip file' })
  @ApiProduces('application/zip', 'application/json', 'text/html')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiErrors(404, 410, 429, 503)
  async download(@Param('token') token: string, @Network() network: string, @Res() reply: FastifyReply) {
    const { size, stream } = await this.downloads.open(token, network);
    return reply
      .header('content-length', size)
      .header('content-disposition', 'attachment; filename="parley-export.zip"')
      .header('cache-control', 'no-store')
      .type('application/zip')
      .send(stream);
  }
}
