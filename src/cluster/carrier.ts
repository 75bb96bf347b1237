/**
 * Carries packets for sockets between nodes, by channels: only nodes that listen to a channel get what is sent to it. Nothing waits for it,
 * and what cannot be carried is dropped: clients find what they missed by `seq` and `change`.
 */
export interface Carrier {
  /** Sends a text to the other nodes that listen. Never waits, and never throws. */
  send(channel: string, text: string): void;

  /**
   * Listens from now on.
   * @returns undefined where it is certain that nothing is missed, or where nothing can be carried now; else once one of the two is so, or
   *   after a second
   */
  listen(channel: string): Promise<void> | undefined;

  /** Does not have to hear of this channel any more; what arrives within a second may still come. */
  unlisten(channel: string): void;

  /** Calls `arrived` with each text that another node has sent. Called once. */
  onArrival(arrived: (text: string) => void): void;
}
