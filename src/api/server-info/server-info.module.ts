import { Module } from '@nestjs/common';
import { ServerInfoController } from './server-info.controller.js';
import { ServerNews } from './server-news.js';

@Module({ controllers: [ServerInfoController], providers: [ServerNews] })
export class ServerInfoModule {}
