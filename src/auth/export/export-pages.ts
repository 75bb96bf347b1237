import { Catch, Injectable } from '@nestjs/common';
import type { DomainError } from '../../common/errors.js';
import type { Words } from '../page-words.js';
import { PageErrorFilter } from '../pages.js';
import { LINK_LIVES_HOURS } from './export-maker.js';
import { MOST_DOWNLOADS, UsedUp } from './export-download.service.js';

/** Errors of the links to exports, for browsers: what has become of the export, and what to do. */
@Catch()
@Injectable()
export class ExportPageErrorFilter extends PageErrorFilter {
  protected override words(error: DomainError): Partial<Words> {
    if (error instanceof UsedUp)
      return {
        title: 'This link is used up.',
        sentence: `It gave the export out ${MOST_DOWNLOADS} times. Ask for a new export.`,
      };
    if (error.code === 'expired')
      return { sentence: `It was good for ${LINK_LIVES_HOURS} hours. Ask for a new export.` };
    if (error.code === 'not_found')
      return {
        sentence:
          'A part of the link is missing, or the export has ended: by a new one, by a new password, or long ago.',
      };
    return {};
  }
}
