import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { isEmail, IsOptional, ValidateBy } from 'class-validator';
import { domainInAscii } from '../../config/domain-names.js';

/** Longest address, in characters. */
export const MAX_EMAIL = 254;

/** One spelling for one mailbox: lower case, the domain in punycode. */
export function normalizeEmail(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const address = value.trim();
  const at = address.lastIndexOf('@');
  const domain = at < 0 ? undefined : domainInAscii(address.slice(at + 1));
  return domain === undefined ? address : `${address.slice(0, at).toLowerCase()}@${domain}`;
}

const SCHEMA = { type: 'string', format: 'email', maxLength: MAX_EMAIL, example: 'ada@example.com' } as const;

/** A mailbox: at most 254 characters, an ASCII local part without quotes, kept in lower case. */
export const EmailField = ({ optional = false } = {}): PropertyDecorator =>
  applyDecorators(
    optional ? ApiPropertyOptional({ ...SCHEMA, nullable: true }) : ApiProperty(SCHEMA),
    ...(optional ? [IsOptional()] : []),
    Transform(({ value }: { value: unknown }) => normalizeEmail(value)),
    ValidateBy(
      { name: 'email', validator: { validate: isMailbox } },
      { message: `must be an e-mail address like ada@example.com, of at most ${MAX_EMAIL} characters` },
    ),
  );

/** Of what `normalizeEmail` has made. The library throws on halves of surrogate pairs. */
export const isMailbox = (value: unknown): boolean =>
  typeof value === 'string' &&
  value.isWellFormed() &&
  value.length <= MAX_EMAIL &&
  isEmail(value, { allow_utf8_local_part: false, require_tld: false, blacklisted_chars: '"' });
