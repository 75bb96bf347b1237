/** What each connection is set to. */
export const SESSION = {
  all: [
    // Too long a text is an error, never cut off in silence.
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    // Shorter than the deadline of a statement: who waits for a lock is told so, and keeps its connection.
    'SET SESSION innodb_lock_wait_timeout = 2',
  ],
  /*
   * How long the server keeps a transaction, and its locks, for a connection of which nothing comes any more: a firewall may forget
   * one without telling both ends, and everybody would wait for these locks. Ours never pause. MySQL can only be told for all of a
   * connection's pauses, also those in the pool, so there it must be longer, and is what remains where
   * `AbandonedConnections` cannot end it.
   */
  mariadb: ['SET SESSION idle_transaction_timeout = 5'],
  mysql: ['SET SESSION wait_timeout = 600'],
} as const;
