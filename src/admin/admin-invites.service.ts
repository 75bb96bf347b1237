import { Injectable } from '@nestjs/common';
import { type EntityManager, In, LessThan } from 'typeorm';
import { Invite } from '../auth/invite.entity.js';
import { groupsOf, Invites } from '../auth/invites.js';
import { Links } from '../auth/links.js';
import { ChatGroup } from '../chat-groups/chat-group.entity.js';
import { mayLeadInto } from '../chat-groups/membership/invited-members.js';
import { Invalid } from '../common/errors.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { Clock } from '../common/timing/clock.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Actor } from '../identity/roles.js';
import { Acts, because } from './acts.js';
import {
  type CreatedInvite,
  type CreateInvite,
  type InviteState,
  type InviteView,
  WEEK_IN_HOURS,
} from './dto/admin-invites.dto.js';

const HOUR_MS = 3_600_000;

/** Names groups that an invitation cannot lead into. @throws Invalid */
async function assertLeadsThere(
  tx: EntityManager,
  { groupIds, createdBy }: { groupIds: readonly number[]; createdBy: number | null },
): Promise<void> {
  if (groupIds.length === 0) return;
  const groups = await tx.findBy(ChatGroup, { conversationId: In(groupIds) });
  const there = new Set(groups.map(({ conversationId }) => conversationId));
  const gone = groupIds.filter((id) => !there.has(id));
  const closed = groups.filter((group) => !mayLeadInto(group, createdBy)).map(({ conversationId }) => conversationId);
  const problems = [
    ...(gone.length > 0 ? [`names groups that are not there: ${gone.join(', ')}`] : []),
    ...(closed.length > 0 ? [`names private groups, into which only their owner invites: ${closed.join(', ')}`] : []),
  ];
  if (problems.length > 0) throw new Invalid('The invitation cannot lead there.', { group_ids: problems });
}

const targetOf = (inviteId: number): string => `invite ${inviteId}`;

/** Invitations, as admins make and revoke them. */
@Injectable()
export class AdminInvitesService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly acts: Acts,
    private readonly invites: Invites,
    private readonly links: Links,
    private readonly clock: Clock,
  ) {}

  /** Newest first; those that have ended stay for 90 days. */
  async list(cursor?: string): Promise<Page<InviteView>> {
    const [before] = readCursor(cursor, ['number']) ?? [];
    const rows = await this.unitOfWork.read.find(Invite, {
      ...(before !== undefined && { where: { id: LessThan(Number(before)) } }),
      order: { id: 'DESC' },
      take: LIST_LIMIT + 1,
    });
    const page = toPage(rows, ({ id }) => [id]);
    return { ...page, rows: page.rows.map((row) => this.toView(row)) };
  }

  /**
   * The token is told this once.
   * @throws `quota_exceeded` where too many can be used already; Invalid where a group is not there, or private and not the actor's
   */
  async create(
    actor: Actor,
    { max_uses: maxUses, expires_in_hours: hours, note, group_ids: groupIds }: CreateInvite,
  ): Promise<CreatedInvite> {
    const given = {
      maxUses: maxUses ?? 1,
      livesMs: (hours ?? WEEK_IN_HOURS) * HOUR_MS,
      note: note ?? null,
      groupIds: groupIds ?? [],
      createdBy: actor === 'console' ? null : actor.userId,
    };
    return this.acts.run(actor, 'admin', async (tx) => {
      await assertLeadsThere(tx, given);
      const { id, token } = await this.invites.create(tx, given);
      const view = this.toView(await tx.findOneByOrFail(Invite, { id }));
      // Without the note: it may name somebody, and rows of the audit log stay for ever.
      const { max_uses, expires_at, group_ids } = view;
      const detail = { max_uses, expires_at, ...(group_ids.length > 0 && { group_ids }) };
      return {
        result: { ...view, token, url: this.links.invitation(token) ?? null },
        act: { action: 'create_invite', target: targetOf(id), detail },
      };
    });
  }

  /** From the commit on, it makes no account. Where it has ended already, this changes nothing. @throws NotFound */
  async revoke(actor: Actor, inviteId: number, reason?: string | null): Promise<void> {
    await this.acts.run(actor, 'admin', async (tx) => {
      if (!(await this.invites.revoke(tx, inviteId))) return { result: undefined };
      return {
        result: undefined,
        act: { action: 'revoke_invite', target: targetOf(inviteId), detail: because(reason) },
      };
    });
  }

  private stateOf({ revokedAt, uses, maxUses, endsAt }: Invite): InviteState {
    if (revokedAt) return 'revoked';
    if (uses >= maxUses) return 'used_up';
    return endsAt <= this.clock.now() ? 'expired' : 'live';
  }

  private toView(invite: Invite): InviteView {
    return {
      id: invite.id,
      state: this.stateOf(invite),
      max_uses: invite.maxUses,
      uses: invite.uses,
      note: invite.note,
      group_ids: groupsOf(invite),
      created_by: invite.createdBy,
      created_at: invite.createdAt.toISOString(),
      expires_at: invite.expiresAt.toISOString(),
      revoked_at: invite.revokedAt?.toISOString() ?? null,
    };
  }
}
