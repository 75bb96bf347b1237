import { Injectable } from '@nestjs/common';

/** The server's clock, in UTC with milliseconds. Injected, so that a test can set it back. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
