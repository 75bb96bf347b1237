import { Controller, Get, Head, Headers, Inject, NotFoundException, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { API_DOCS_PATH } from '../api-docs/paths.js';
import { isBrowser } from '../../common/http/accept.js';
import { Public } from '../../common/identity.js';
import { CONFIG, type Config } from '../../config/config.js';

/** The root, where the web client does not answer there. */
@ApiExcludeController()
@Controller()
export class AppController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Leads people to the operator's own pages, if there are any, and all others to the documentation. */
  @Get()
  @Public()
  @Redirect()
  root(@Headers('accept') accept: string | undefined) {
    const { appUrl, apiDocs, publicPath, publicUrl } = this.config;
    // Where a proxy serves the pages at the address of this server, a request that gets here would come back.
    const isElsewhere = appUrl !== undefined && appUrl !== new URL(publicUrl).href.replace(/\/+$/, '');
    if (isElsewhere && isBrowser(accept)) return { url: appUrl };
    // As at every path without a route.
    if (!apiDocs) throw new NotFoundException();
    return { url: `${publicPath}/${API_DOCS_PATH}` };
  }

  /** Monitors often send HEAD. */
  @Head()
  @Public()
  @Redirect()
  headRoot(@Headers('accept') accept: string | undefined) {
    return this.root(accept);
  }
}
