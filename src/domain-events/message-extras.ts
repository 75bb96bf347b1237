/** Why not all members of a group were named, where that was asked for. */
export type EveryoneIgnored = 'too_large' | 'too_often' | 'not_allowed';

/** What a message says beside its text. In its row as JSON (`messages.extras`), or null where it is a plain message. */
export interface Extras {
  /** The `seq` of the message that it answers, in the same chat. */
  reply_to?: number;
  /** The author of that message is not notified of the answer. */
  is_silent?: true;
  /** The members that it names, in the order of their ids. */
  mentions?: readonly number[];
  /** It names all members. */
  everyone?: true;
  /** What its sender asked for and was not granted: kept, so that a repeat is recognised, and answered in the same way. */
  ignored?: Ignored;
}

export interface Ignored {
  mentions?: readonly number[];
  everyone?: EveryoneIgnored;
}

/** The message that a reply answers, as it was when it was read; as it crosses the wire. */
export interface QuotedMessage {
  seq: number;
  user_id: number;
  /** Its beginning; empty where it is deleted. */
  message: string;
  deleted?: true;
  /** The number of its latest change. */
  change?: number;
}
