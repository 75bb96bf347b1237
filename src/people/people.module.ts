import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Audience } from './audience.js';
import { Block } from './block.entity.js';
import { Blocks } from './blocks.js';
import { DeadNodes } from './dead-nodes.js';
import { LastSeen } from './last-seen.js';
import { OnlineElsewhere } from './online-elsewhere.js';
import { PresenceNews } from './presence-news.js';
import { Typing } from './typing.js';
import { UserNews } from './user-news.js';
import { WhoIsIn } from './who-is-in.js';

/** Who sees whom: published presence, blocks, typing, who is in which group. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Block])],
  providers: [Audience, Blocks, DeadNodes, LastSeen, OnlineElsewhere, PresenceNews, Typing, UserNews, WhoIsIn],
  exports: [Audience, Blocks, LastSeen, PresenceNews, Typing, UserNews, WhoIsIn],
})
export class PeopleModule {}
