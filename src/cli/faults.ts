import { openToRead } from '../database/open-to-read.js';
import type { Place } from '../database/copy/target.js';
import type { Finding } from '../integrity/finding.js';
import { Verification } from '../integrity/verification.js';

const MOST = 1_000;

/** What `parley verify` finds in a database that nobody else needs now: up to a thousand faults. */
export async function faultsIn(place: Place): Promise<Finding[]> {
  const findings: Finding[] = [];
  const source = await openToRead(place);
  if (!source) return findings;
  try {
    for await (const one of new Verification(source, true).findings()) if (findings.push(one) >= MOST) break;
    return findings;
  } finally {
    await source.destroy();
  }
}
