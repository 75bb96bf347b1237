import { IsArray, IsInt, IsOptional, IsString, ValidateIf, validateSync } from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AskBot, StopBot } from '../../src/bot/dto/bot.dto.js';
import {
  EnterGroupMessage,
  GroupTypingMessage,
  SendGroupMessage,
} from '../../src/chat-groups/dto/group-message.dto.js';
import { RoomTypingMessage, SendRoomMessage } from '../../src/chat-rooms/dto/room-message.dto.js';
import { acceptsOf } from '../../src/common/http/compiled-rules.js';
import { TokenPayload } from '../../src/common/http/token-payload.js';
import { parsePayload } from '../../src/common/http/validation.js';
import { ReadPayload } from '../../src/notifications/dto/notifications.dto.js';

const room = { chat_type: 'room', other_user_id: 2 };
const group = { chat_type: 'group', chat_group_id: 3 };
/** All that sockets send, each with a payload that is right. */
const PAYLOADS = [
  { dto: TokenPayload, payload: {} },
  { dto: SendRoomMessage, payload: { ...room, message: 'Hello', client_id: 'c' } },
  { dto: RoomTypingMessage, payload: room },
  { dto: SendGroupMessage, payload: { ...group, message: 'Hello', client_id: null } },
  { dto: EnterGroupMessage, payload: { ...group, is_enter: true } },
  { dto: GroupTypingMessage, payload: group },
  { dto: AskBot, payload: { chat_type: 'bot', message: 'Hello' } },
  { dto: StopBot, payload: { question_seq: 1 } },
  { dto: ReadPayload, payload: { chat_room_id: 4, seq: 1 } },
] as const;

const isRight = (object: object): boolean =>
  validateSync(object, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true }).length === 0;

const value = fc.oneof(
  fc.constantFrom('room', 'group', 'bot', '', 'x'.repeat(4_001), '\ud800', true, false, null, undefined, [], {}, '2'),
  fc.integer(),
  fc.double(),
  fc.string({ maxLength: 70 }),
);

describe('compiled rules', () => {
  it.each(PAYLOADS)('accept what is right: $dto.name', ({ dto, payload }) => {
    expect(acceptsOf(dto)(Object.assign(new dto(), payload))).toBe(true);
    expect(parsePayload(dto, payload)).toEqual(Object.assign(new dto(), payload));
  });

  it.each(PAYLOADS)('accept what class-validator accepts, and nothing else: $dto.name', ({ dto, payload }) => {
    const names = [...Object.keys(payload), 'token', 'client_id', 'message', 'typo', 'toJSON'];
    const changes = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 });
    fc.assert(
      fc.property(changes, fc.subarray(Object.keys(payload)), (changed, missing) => {
        const object = Object.assign(new dto(), payload, changed) as Record<string, unknown>;
        for (const name of missing) delete object[name];
        expect(acceptsOf(dto)(object)).toBe(isRight(object));
      }),
      { numRuns: 500 },
    );
  });

  it('leave to class-validator what they do not know', () => {
    class Each {
      @IsString({ each: true })
      texts = ['a'];
    }
    class Grouped {
      @IsInt({ groups: ['one'] })
      number = 1;
    }
    class Without {}
    for (const dto of [Each, Grouped, Without]) expect(acceptsOf(dto)(new dto())).toBe(false);
  });

  it('check a value only where its conditions hold', () => {
    class Conditional {
      @ValidateIf(({ isChecked }: Conditional) => Boolean(isChecked))
      @IsInt()
      number: unknown = 'none';

      @IsOptional()
      @IsArray()
      isChecked: unknown = undefined;
    }
    const accepts = acceptsOf(Conditional);
    expect(accepts(new Conditional())).toBe(true);
    expect(accepts(Object.assign(new Conditional(), { isChecked: [] }))).toBe(false);
    expect(accepts(Object.assign(new Conditional(), { isChecked: [], number: 1 }))).toBe(true);
  });
});
