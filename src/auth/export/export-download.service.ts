import { Readable } from 'node:stream';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { IsNull, LessThan, MoreThan } from 'typeorm';
import { Busy, DomainError } from '../../common/errors.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { Clock } from '../../common/timing/clock.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { linkTokenHash, linkTokenIn } from '../../identity/link-tokens.js';
import { User } from '../../identity/user.entity.js';
import { Export } from './export.entity.js';

/** How often an export is given out: its owner has more than one device, and mail scanners open links, too. */
export const MOST_DOWNLOADS = 20;
/** Downloads at once, on one node. Each holds a part or two in memory. */
const MOST_AT_ONCE = 20;
/** How long somebody may take for one part. */
const PART_WITHIN_MS = 60_000;

const unknownLink = () =>
  new DomainError('not_found', 'not_found', 'This link is no longer needed, or was never one of ours.');
const expired = () => new DomainError('gone', 'expired', 'This link has expired. Ask for a new export.');
/** The same to programs: the page for people gives another reason. */
export class UsedUp extends DomainError {
  constructor() {
    super('gone', 'expired', 'This link was used too often. Ask for a new export.');
  }
}

/** Gives out exports, to whoever has the link. */
@Injectable()
export class ExportDownloadService implements BeforeApplicationShutdown {
  /** Local to a process: those that it gives out right now. */
  private readonly underWay = new Set<Readable>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly limits: RateLimits,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
  ) {}

  /** A stop does not wait for them: they may take an hour. */
  beforeApplicationShutdown(): void {
    for (const stream of this.underWay) stream.destroy();
  }

  /** Counts a download, and begins it. @throws RateLimited, Busy; NotFound; `expired` (410), also after the last one of `MOST_DOWNLOADS` */
  async open(token: string, network: string): Promise<{ size: number; stream: Readable }> {
    this.limits.stranger(network);
    const { read } = this.unitOfWork;
    const found = await read.findOneBy(Export, { tokenHash: linkTokenHash(linkTokenIn(token)) });
    if (!found || found.userId === null || found.expiresAt === null) throw unknownLink();
    // Nodes of the version before this one suspend and erase, and know no exports.
    const isTheirs = await read.existsBy(User, { id: found.userId, suspendedAt: IsNull(), erasedAt: IsNull() });
    if (!isTheirs) throw unknownLink();
    const now = this.clock.now();
    if (found.expiresAt <= now) throw expired();
    if (this.underWay.size >= MOST_AT_ONCE) throw new Busy();
    const { id, size, userId } = found;
    const isGood = { id, state: 'ready' as const, downloads: LessThan(MOST_DOWNLOADS), expiresAt: MoreThan(now) };
    const counted = await this.unitOfWork.run((tx) => tx.update(Export, isGood, { downloads: () => 'downloads + 1' }));
    if (counted.affected !== 1) {
      const isUsedUp = await read.existsBy(Export, { id, state: 'ready' });
      throw isUsedUp ? new UsedUp() : unknownLink();
    }
    this.security.log('export_downloaded', { user_id: userId, network });
    return { size, stream: this.streamOf(id) };
  }

  private streamOf(id: number): Readable {
    const stream = Readable.from(
      this.parts(id, () => stream.destroy()),
      { highWaterMark: 1 },
    );
    this.underWay.add(stream);
    stream.once('close', () => this.underWay.delete(stream));
    return stream;
  }

  /** @param stalled called where nobody takes a part for too long */
  private async *parts(id: number, stalled: () => void): AsyncGenerator<Buffer> {
    for (let part = 0; ; part++) {
      const [row] = await this.unitOfWork.read.query<{ bytes: Buffer }[]>(
        'SELECT bytes FROM export_parts WHERE export_id = ? AND part = ?',
        [id, part],
      );
      // Where it is deleted meanwhile, the answer is shorter than it has said, by which every client notices.
      if (!row) return;
      const deadline = setTimeout(stalled, PART_WITHIN_MS).unref();
      try {
        yield row.bytes;
      } finally {
        clearTimeout(deadline);
      }
    }
  }
}
