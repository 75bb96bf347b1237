import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** How many have reacted to a message with one emoji. */
export class ReactionCount {
  @ApiProperty({ description: 'One emoji, as Unicode recommends to spell it', example: '👍' })
  emoji!: string;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'How many people' })
  count!: number;
}

/** The same, as one user sees it. */
export class ReactionView extends ReactionCount {
  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'The caller is one of them' })
  is_mine?: true;
}
