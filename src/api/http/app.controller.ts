import { Controller, Get, Head, Inject, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { API_DOCS_PATH } from '../api-docs/paths.js';
import { Public } from '../../common/identity.js';
import { CONFIG, type Config } from '../../config/config.js';

@ApiExcludeController()
@Controller()
export class AppController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** There is no page at the root yet; whoever opens it wants to know what this server is. */
  @Get()
  @Public()
  @Redirect()
  root() {
    return { url: `${this.config.publicPath}/${API_DOCS_PATH}` };
  }

  /** What watches a site often asks by HEAD. */
  @Head()
  @Public()
  @Redirect()
  headRoot() {
    return this.root();
  }
}
