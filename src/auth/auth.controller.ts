import { Body, Controller, Get, Headers, HttpCode, Inject, Ip, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors, ApiToken } from '../common/api.js';
import { DomainError, httpErrorBody } from '../common/errors.js';
import { html, htmlPage, PAGE_CSP } from '../common/html.js';
import { CurrentUser, type Identity, Public } from '../common/identity.js';
import { CONFIG, type Config } from '../config/config.js';
import { Done, LoginAnswer, LoginRequest } from './dto/login.dto.js';
import { RegisterAnswer, RegisteredAnswer, RegisterRequest } from './dto/register.dto.js';
import { LoginService } from './login.service.js';
import { RegistrationService } from './registration.service.js';
import { Sessions } from './sessions.js';

@ApiTags('account')
@Controller('http')
export class AuthController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly logins: LoginService,
    private readonly sessions: Sessions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('register')
  @Public()
  @HttpCode(202)
  @ApiOperation({ summary: 'Sends a link by mail; the account exists once the link is opened' })
  @ApiAcceptedResponse({ type: RegisterAnswer })
  @ApiErrors(400, 503)
  async register(@Body() request: RegisterRequest): Promise<RegisterAnswer> {
    await this.registrations.register(request);
    return { message: 'If the address is free, a mail with a link is on its way to it.' };
  }

  @Get('register/:token')
  @Public()
  @ApiOperation({ summary: 'Opens the link from the mail: creates the account' })
  @ApiOkResponse({ type: RegisteredAnswer })
  @ApiProduces('application/json', 'text/html')
  @ApiErrors(404, 409, 410)
  async confirm(
    @Param('token') token: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const isBrowser = accept?.includes('text/html') ?? false;
    try {
      const email = await this.registrations.confirm(token);
      if (!isBrowser) return reply.send({ ok: true, email } satisfies RegisteredAnswer);
      return this.page(reply, 200, 'Welcome', `The account ${email} is ready. Log in with the password you chose.`);
    } catch (error) {
      if (!isBrowser || !(error instanceof DomainError)) throw error;
      return this.page(reply, error.status, httpErrorBody(error).error, error.message);
    }
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Opens a session' })
  @ApiOkResponse({ type: LoginAnswer })
  @ApiErrors(400, 401, 429, 503)
  async login(
    @Body() request: LoginRequest,
    @Ip() ip: string,
    @Headers('user-agent') device = '',
  ): Promise<LoginAnswer> {
    return { token: await this.logins.login(request, { ip, device }) };
  }

  @Get('logout')
  @ApiToken()
  @ApiOperation({ summary: 'Ends the session: its token and its sockets' })
  @ApiOkResponse({ type: Done })
  async logout(@CurrentUser() me: Identity): Promise<Done> {
    await this.sessions.end(me);
    return { ok: true };
  }

  @Post('logout')
  @HttpCode(200)
  @ApiToken()
  @ApiOperation({ summary: 'The same, for clients that do not change things with GET' })
  @ApiOkResponse({ type: Done })
  postLogout(@CurrentUser() me: Identity): Promise<Done> {
    return this.logout(me);
  }

  private page(reply: FastifyReply, status: number, title: string, sentence: string): FastifyReply {
    const body = html`<p>${sentence}</p>
      <p><a href="${this.config.publicUrl}/">Go to Parley</a></p>`;
    return reply
      .status(status)
      .header('content-security-policy', PAGE_CSP)
      .type('text/html; charset=utf-8')
      .send(htmlPage(title, body));
  }
}
