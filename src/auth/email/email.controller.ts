import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isBrowser } from '../../common/http/accept.js';
import { ApiErrors } from '../../common/http/api.js';
import { Public } from '../../common/identity.js';
import { Network } from '../../common/limits/client-network.js';
import { EmailLinkRequest } from './email-change.dto.js';
import { Done } from '../dto/login.dto.js';
import { EmailChangeService } from './email-change.service.js';
import { EmailPageErrorFilter, EmailPages } from './email-pages.js';
import { EmailReturnService } from './email-return.service.js';

/** Where mails about a new address lead. Each route answers programs with JSON, and browsers with a page. */
@ApiTags('account')
@ApiProduces('application/json', 'text/html')
@Controller('http/email')
@UseFilters(EmailPageErrorFilter)
export class EmailController {
  constructor(
    private readonly changes: EmailChangeService,
    private readonly returns: EmailReturnService,
    private readonly pages: EmailPages,
  ) {}

  @Get('confirm/:token')
  @Public()
  @ApiOperation({ summary: 'Opens the link to a new address: says whether it can be used, and changes nothing' })
  @ApiOkResponse({ type: Done })
  @ApiErrors(404, 410, 429)
  async askToConfirm(
    @Param('token') token: string,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const email = await this.changes.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.askToConfirm(reply, token, email);
  }

  @Post('confirm')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Gives the account its new address, with the token of a link; tells the former address' })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiOkResponse({ type: Done })
  @ApiErrors(400, 403, 404, 409, 410, 429, 503)
  async confirm(
    @Body() { token }: EmailLinkRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const email = await this.changes.confirm(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.confirmed(reply, email);
  }

  @Get('return/:token')
  @Public()
  @ApiOperation({
    summary: 'Opens the link from the mail about a new address: says whether it can be used, and changes nothing',
  })
  @ApiOkResponse({ type: Done })
  @ApiErrors(404, 410, 429)
  async askToReturn(
    @Param('token') token: string,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const email = await this.returns.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.askToReturn(reply, token, email);
  }

  @Post('return')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Makes the former address valid again, with the token of a link: all sessions end, and so does the password',
  })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiOkResponse({ type: Done })
  @ApiErrors(400, 404, 409, 410, 429, 503)
  async use(
    @Body() { token }: EmailLinkRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.returns.use(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.returned(reply);
  }
}
