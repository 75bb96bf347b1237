import type { BaseChat } from './chat.js';
import { ParleyError } from './errors.js';
import type { Message } from './data.js';
import type { WireMessage } from './wire.js';

interface Overlay {
  readonly pending: 'edit' | 'delete';
  readonly message: string;
}

/** Edits and deletions of one's own that are under way: their outcome is shown at once, and taken back where it is refused. */
export class Edits {
  /** By `seq`, over the message that is stored. */
  readonly overlays = new Map<number, Overlay>();

  constructor(private readonly chat: BaseChat) {}

  /** @throws ParleyError: `offline`, or what the server refuses it for */
  async ask(method: 'PUT' | 'DELETE', seq: number, overlay: Overlay, body?: { body: object }): Promise<Message> {
    const { chat, overlays } = this;
    const { core, path, loaded } = chat;
    const isCurrent = core.guard();
    if (!core.link.isOpen) throw new ParleyError('offline', 'There is no connection.');
    overlays.set(seq, overlay);
    chat.bump();
    try {
      const row = await core.http.ask<WireMessage>(method, `${path}/messages/${seq}`, body);
      const message = chat.toOwnView(row);
      if (isCurrent()) loaded.apply(message);
      return message;
    } finally {
      if (overlays.get(seq) === overlay) overlays.delete(seq);
      chat.bump();
    }
  }
}
