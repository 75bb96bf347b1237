import type { Carrier } from './carrier.js';
import type { Counts } from './counts.js';

/** What one node has to hear of another, by topic. Plain data: it travels as JSON. */
export type Heard = (data: unknown, from: number) => void | Promise<void>;

/**
 * Carries news between the nodes that serve one community. News only hurry: they may be late, come twice, or be lost, and whoever needs
 * to be sure reads the rows. Where one node is all there is, nothing is carried, and nothing is waited for.
 */
export abstract class NodeBus {
  /** Whether other nodes may serve the same rows. */
  abstract readonly isShared: boolean;
  /** The number of this node among those that serve the same rows; 1 where it is alone. Another one after each start. */
  abstract readonly nodeId: number;
  /** Carries packets for sockets; undefined where there is nobody to carry them to. */
  abstract readonly carrier: Carrier | undefined;
  /** Counts that all nodes share; undefined where there is nobody to share them with. */
  abstract readonly counts: Counts | undefined;
  /** Whether other nodes hear what is told now. Where the node is alone, nothing is amiss. */
  abstract readonly isUp: boolean;
  /** How often something was not told, or carried, since the start. */
  abstract readonly dropped: number;

  /** The numbers of the other nodes that were heard within the last seconds. */
  abstract nodes(): readonly number[];

  /** Tells all other nodes, or the one that is named. Never waits, and never throws. */
  abstract tell(topic: string, data: unknown, to?: number): void;

  /** Calls `heard` with what other nodes tell. Call this in `onModuleInit`. One listener for each topic. */
  abstract on(topic: string, heard: Heard): void;

  /**
   * Tells all other nodes that live, and waits until the listeners of each are done; not longer than `withinMs`, and not at all where
   * nothing can be carried now. @returns whether all have confirmed it
   */
  abstract tellAndWait(topic: string, data: unknown, withinMs: number): Promise<boolean>;

  /** Calls `missed` each time when news may have been missed: they were cut off, or a gap was noticed. Then rows are to be read again. */
  abstract onMissed(missed: () => void): void;
}

/** The only node. */
export class LoneNode extends NodeBus {
  readonly isShared = false;
  readonly nodeId = 1;
  readonly carrier = undefined;
  readonly counts = undefined;
  readonly isUp = true;
  readonly dropped = 0;

  nodes(): readonly number[] {
    return [];
  }

  tell(): void {}

  on(): void {}

  tellAndWait(): Promise<boolean> {
    return Promise.resolve(true);
  }

  onMissed(): void {}
}
