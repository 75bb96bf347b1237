import { SetMetadata } from '@nestjs/common';

export const READ_COST = 'parley:read-cost';

/** What one answer of up to a thousand rows costs, in pages of a history. */
export const LIST_COST = 10;

/** How much a GET counts among the reads of a person: 1 without it. */
export const ReadCost = (points: number) => SetMetadata(READ_COST, points);
