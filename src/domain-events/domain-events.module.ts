import { Global, Module } from '@nestjs/common';
import { DomainEvents } from './domain-events.js';

/** What has happened, told after the commit to whoever listens. */
@Global()
@Module({ providers: [DomainEvents], exports: [DomainEvents] })
export class DomainEventsModule {}
