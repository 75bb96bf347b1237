export { ParleyClient } from './client.js';
export { chatKey, parseChatKey } from './chat-key.js';
export { ParleyError, type ClientErrorCode, type ErrorCode, type ServerErrorCode } from './errors.js';
export { computed, when, type Store, type Unsubscribe, type Until } from './store.js';
export { indexedDbStorage, memoryStorage } from './storage.js';
export type { Clock } from './clock.js';
export type * from './data.js';
export type * from './seams.js';
export type * from './types.js';
