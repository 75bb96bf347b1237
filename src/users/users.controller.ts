import { Body, Controller, Delete, Get, HttpCode, Ip, Put, UseInterceptors } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/api.js';
import { Data } from '../common/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/next-link.interceptor.js';
import { AccountErasureService } from './account-erasure.service.js';
import { EraseProfile, ProfileView, UpdateProfile, UsersQuery, UserView } from './dto/users.dto.js';
import { ProfileService } from './profile.service.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@ApiToken()
@Controller('http/users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfileService,
    private readonly erasure: AccountErasureService,
  ) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ApiOperation({ summary: 'All users, online or offline; at most 1,000 at once, the header Link leads on' })
  @ApiOkResponse({ type: [UserView] })
  @ApiErrors(400)
  list(@Data() query: UsersQuery) {
    return this.users.list(query);
  }

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
  updateProfile(@CurrentUser() me: Identity, @Body() change: UpdateProfile, @Ip() ip: string) {
    return this.profiles.update(me, change, ip);
  }

  @Delete('profile')
  @HttpCode(204)
  @ApiOperation({
    summary: "Erases the caller's account: what they wrote to others stays, as written by a deleted user",
  })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 429, 503)
  erase(@CurrentUser() me: Identity, @Body() { password }: EraseProfile, @Ip() ip: string) {
    return this.erasure.erase(me, password, ip);
  }
}
