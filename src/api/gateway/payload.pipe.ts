import type { PipeTransform } from '@nestjs/common';
import { isSentBySockets, parsePayload } from '../../common/http/validation.js';

/** Parses the payload of an event that has one class. Synchronous, as ClientMessagePipe is. */
export class PayloadPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly dto: new () => T) {
    isSentBySockets(dto);
  }

  transform(payload: unknown): T {
    return parsePayload(this.dto, payload);
  }
}
