import { Injectable, type PipeTransform } from '@nestjs/common';
import { Invalid } from './errors.js';

/** An id in a path: a whole number, written plainly. What is larger than any id simply does not exist. */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    if (!/^[1-9]\d{0,14}$/.test(text))
      throw new Invalid('The id in the path must be a whole number.', { id: ['must be a whole number'] });
    return Number(text);
  }
}
