import { Global, Module } from '@nestjs/common';
import { DomainEvents } from './domain-events.js';

/** What has happened, published to listeners after the commit. */
@Global()
@Module({ providers: [DomainEvents], exports: [DomainEvents] })
export class DomainEventsModule {}
