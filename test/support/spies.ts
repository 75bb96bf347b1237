// A spy that replaces something and is never reached tests nothing: after a rename, say. Such a test fails.
import { afterEach, vi } from 'vitest';

const REPLACING = ['mockImplementation', 'mockImplementationOnce'] as const;
/** These answer for something that need not be called: a log, say. */
const ANSWERING = ['mockReturnValue', 'mockReturnThis', 'mockResolvedValue', 'mockRejectedValue'] as const;

/** What was put in place of something in the present test, and whether it was reached. */
let replaced: { name: string; isReached: boolean }[] = [];
let isAnswering = false;

const wrapped = new WeakSet();

/** This file runs anew for each file of tests, also where these share a process. */
const shared = globalThis as { spyOnOfVitest?: unknown };
shared.spyOnOfVitest ??= vi.spyOn.bind(vi);
const spyOn = shared.spyOnOfVitest as (object: object, name: string) => Record<string, unknown>;
vi.spyOn = ((object: object, name: string) => {
  const spy = spyOn(object, name);
  // Of what is spied on already, the same spy comes again.
  if (wrapped.has(spy)) return spy;
  wrapped.add(spy);
  for (const method of REPLACING) {
    const replace = (spy[method] as (work: (...given: unknown[]) => unknown) => unknown).bind(spy);
    spy[method] = (work: (...given: unknown[]) => unknown) => {
      if (isAnswering) return replace(work);
      const one = { name, isReached: false };
      replaced.push(one);
      return replace(function (this: unknown, ...given: unknown[]) {
        one.isReached = true;
        return work.apply(this, given);
      });
    };
  }
  for (const method of ANSWERING) {
    const answer = (spy[method] as (value: unknown) => unknown).bind(spy);
    spy[method] = (value: unknown) => {
      isAnswering = true;
      try {
        return answer(value);
      } finally {
        isAnswering = false;
      }
    };
  }
  return spy;
}) as unknown as typeof vi.spyOn;

afterEach(({ task }) => {
  const missed = replaced.filter(({ isReached }) => !isReached).map(({ name }) => name);
  replaced = [];
  if (task.result?.state !== 'fail' && missed.length > 0)
    throw new Error(`Spies that replace something were never reached: ${missed.join(', ')}.`);
});
