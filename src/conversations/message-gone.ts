import { DomainError } from '../common/errors.js';

/** A message was deleted, and nothing more can be done with it. */
export const messageGone = (sentence: string): DomainError =>
  new DomainError('gone', 'message_deleted', `${sentence} Send a new one.`);
