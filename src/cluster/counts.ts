/** A change of one count that all nodes share. */
export interface CountChange {
  /** Says nothing to whoever reads it. */
  key: string;
  /** Negative where points are given back. */
  points: number;
  /** What was counted until now is forgotten first. */
  isForgotten: boolean;
  /** When the count ends, where it begins with this change. */
  endsInMs: number;
}

export interface CountTotal {
  /** Of all nodes, since the count began. */
  total: number;
  endsInMs: number;
}

/** Counts that all nodes share, each of which ends by itself. */
export interface Counts {
  /** Never throws, and ends within some seconds. @returns by change, the total after it; undefined where it may not have been counted */
  add(changes: readonly CountChange[]): Promise<(CountTotal | undefined)[]>;
}
