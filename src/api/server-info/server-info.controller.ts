import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiErrors } from '../../common/http/api.js';
import { Public } from '../../common/identity.js';
import { Network } from '../../common/limits/client-network.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { VERSION } from '../../common/version.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Settings } from '../../settings/settings.js';
import { clientLimits } from './client-limits.js';
import { featureWords } from './features.js';
import { ServerInfo } from './server-info.dto.js';
import { changingInfo } from './server-news.js';

/** Increased where clients that were made for the number before do not work any more. */
const PROTOCOL = 1;

/**
 * The answer is the same for all clients, so that shared caches may keep it, except for the headers of CORS (`Vary: Origin`). One minute, so
 * that clients learn of an update soon.
 */
const CACHE_CONTROL = 'public, max-age=60';

@ApiTags('server')
@Controller('http/server')
export class ServerInfoController {
  private readonly info: Omit<ServerInfo, 'registration' | 'motd'>;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly limits: RateLimits,
    private readonly settings: Settings,
  ) {
    this.info = {
      name: 'Parley',
      version: VERSION,
      protocol: PROTOCOL,
      public_url: config.publicUrl,
      features: featureWords(),
      limits: clientLimits(config),
      dev_mail: config.devMail,
      // Embedded, or at BOT_URL.
      bot: true,
    };
  }

  @Get()
  @Public()
  @ApiOperation({
    summary: 'What this server is, its features and its limits; for clients, before a login',
  })
  @ApiOkResponse({ type: ServerInfo })
  @ApiErrors(429)
  show(@Network() network: string, @Res({ passthrough: true }) reply: FastifyReply): ServerInfo {
    this.limits.document(network);
    // Not by `@Header`, which would let caches keep the refusal above as well.
    void reply.header('cache-control', CACHE_CONTROL);
    return { ...this.info, ...changingInfo(this.settings.current) };
  }
}
