import { Body, Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { Network } from '../common/limits/client-network.js';
import { AccountErasureService } from './account-erasure.service.js';
import { ChangeEmail } from './email/email-change.dto.js';
import { EraseProfile, ProfileView, UpdateProfile } from './dto/profile.dto.js';
import { MailAnswer } from './dto/recovery.dto.js';
import { EmailChangeService } from './email/email-change.service.js';
import { ProfileService } from './profile.service.js';

@ApiTags('users')
@ApiToken()
@Controller('http/users')
export class ProfileController {
  constructor(
    private readonly profiles: ProfileService,
    private readonly emails: EmailChangeService,
    private readonly erasure: AccountErasureService,
  ) {}

  @Get('profile')
  @ApiOperation({ summary: "The caller's own profile" })
  @ApiOkResponse({ type: ProfileView })
  profile(@CurrentUser() me: Identity) {
    return this.profiles.get(me);
  }

  @Put('profile')
  @ApiOperation({ summary: "Changes the caller's names or password" })
  @ApiOkResponse({ type: ProfileView })
  @ApiErrors(400, 403, 429, 503)
  updateProfile(@CurrentUser() me: Identity, @Body() change: UpdateProfile, @Network() network: string) {
    return this.profiles.update(me, change, network);
  }

  @Post('profile/email')
  @HttpCode(202)
  @ApiOperation({ summary: "Sends a link to a new address, which becomes the caller's once it is used" })
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 403, 429, 503)
  async changeEmail(
    @CurrentUser() me: Identity,
    @Body() request: ChangeEmail,
    @Network() network: string,
  ): Promise<MailAnswer> {
    await this.emails.ask(me, request, network);
    return { message: 'If the address is free, a mail with a link is on its way to it.' };
  }

  @Delete('profile')
  @HttpCode(204)
  @ApiOperation({
    summary: "Erases the caller's account: messages to others stay, as those of a deleted user",
  })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 429, 503)
  erase(@CurrentUser() me: Identity, @Body() { password }: EraseProfile, @Network() network: string) {
    return this.erasure.erase(me, password, network);
  }
}
