/** Where the running server describes itself: its routes, and its events. */
export const API_DOCS_PATH = 'http/docs';
export const EVENTS_DOCS_PATH = `${API_DOCS_PATH}/events`;
