import { Body, Controller, Get, Ip, Put, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/api.js';
import { Data } from '../common/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/next-link.interceptor.js';
import { ProfileView, UpdateProfile, UsersQuery, UserView } from './dto/users.dto.js';
import { ProfileService } from './profile.service.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@ApiToken()
@Controller('http/users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfileService,
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
}
