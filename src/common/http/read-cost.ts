import { SetMetadata } from '@nestjs/common';

export const READ_COST = 'parley:read-cost';

/** The cost of an answer of up to a thousand rows, in pages of a history. */
export const LIST_COST = 10;

/** The cost of a request, by its query parameters and the fields of its body, which are not validated yet. */
export type CostOf = (data: Readonly<Record<string, unknown>>) => number;

/** How much a GET counts among the reads of a user: 1 without it. */
export const ReadCost = (points: number | CostOf) => SetMetadata(READ_COST, points);
