import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { API_DOCS_PATH } from './api-docs/paths.js';
import { Public } from './common/identity.js';

@ApiExcludeController()
@Controller()
export class AppController {
  /** There is no page at the root yet; whoever opens it wants to know what this server is. */
  @Get()
  @Public()
  @Redirect(`/${API_DOCS_PATH}`)
  root(): void {}
}
