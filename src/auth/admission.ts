import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { Settings } from '../settings/settings.js';
import type { Invite } from './invite.entity.js';
import { Invites } from './invites.js';

/**
 * Who may register. It depends on the mode, the domain and the invitation alone, and never on whether the address has an account: else the
 * refusal would say who has one.
 */
@Injectable()
export class Admission {
  constructor(
    private readonly settings: Settings,
    private readonly invites: Invites,
  ) {}

  /**
   * Before a registration is stored. @returns the id of the invitation, null without one
   * @throws `invite_invalid` whatever the mode; without one, `registration_closed`, `invite_required` or `domain_not_allowed`
   */
  async admit(email: string, invite: string | null | undefined): Promise<number | null> {
    if (invite != null) return (await this.invites.findUsable(invite)).id;
    this.assertOpenTo(email);
    return null;
  }

  /** The same for a registration that is stored, before it gets another link. @throws as `admit` */
  async assertStillAdmitted({ email, inviteId }: Registered): Promise<void> {
    if (inviteId === null) this.assertOpenTo(email);
    else await this.invites.assertUsableById(inviteId);
  }

  /** The same inside the transaction that makes the account: a use of the invitation counts. @returns the invitation @throws as `admit` */
  async enter(tx: EntityManager, { email, inviteId }: Registered): Promise<Invite | undefined> {
    if (inviteId !== null) return this.invites.use(tx, inviteId);
    this.assertOpenTo(email);
    return undefined;
  }

  /** Before an account that exists gets another address. @throws `domain_not_allowed` where only some domains may register */
  assertMayMoveTo(email: string): void {
    if (this.settings.current.registration === 'domains' && !this.isAllowed(email))
      throw domainNotAllowed('This server takes only addresses of some domains. Your address stays as it is.');
  }

  private assertOpenTo(email: string): void {
    const { registration } = this.settings.current;
    if (registration === 'open') return;
    if (registration === 'closed')
      throw new DomainError(
        'forbidden',
        'registration_closed',
        'This server takes no registrations. Ask whoever runs it for an invitation.',
      );
    if (registration === 'invite')
      throw new DomainError(
        'forbidden',
        'invite_required',
        'This server takes only those who are invited. Ask for an invitation.',
      );
    if (!this.isAllowed(email))
      throw domainNotAllowed(
        'This server takes only addresses of some domains. Use another one, or ask for an invitation.',
      );
  }

  private isAllowed(email: string): boolean {
    return this.settings.current.allowedDomains.includes(email.slice(email.lastIndexOf('@') + 1));
  }
}

const domainNotAllowed = (message: string) => new DomainError('forbidden', 'domain_not_allowed', message);

interface Registered {
  email: string;
  inviteId: number | null;
}
