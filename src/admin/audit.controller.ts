import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import type { AuditEntry } from '../identity/audit/audit-entry.entity.js';
import { AuditLog } from '../identity/audit/audit-log.js';
import { NeedsRole } from '../identity/roles.js';
import { AuditEntryView, AuditQuery } from './dto/audit.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/audit')
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  @Get()
  @ApiOperation({ summary: 'What was done by whom: at most 100 rows, the newest first' })
  @ApiOkResponse({ type: [AuditEntryView] })
  @ApiErrors(400, 403)
  async page(@Data() { before }: AuditQuery): Promise<AuditEntryView[]> {
    return (await this.log.page(before)).map(toView);
  }
}

const toView = ({ id, at, actorId, action, target, detail, hash }: AuditEntry): AuditEntryView => ({
  id,
  at: at.toISOString(),
  actor_id: actorId,
  action,
  target,
  detail: JSON.parse(detail) as object,
  hash,
});
