/** The settings of each connection. */
export const SESSION = {
  all: [
    // Too long a text is an error, and never cut off silently.
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    // Shorter than the deadline of a statement: waiting too long for a lock is an error of the statement, and keeps the connection.
    'SET SESSION innodb_lock_wait_timeout = 2',
  ],
  /*
   * How long the server keeps a transaction and its locks when nothing comes over its connection any more: a firewall may drop a connection
   * silently, and other transactions would wait for these locks. Ours never pause. On MySQL the limit counts for all pauses of a connection,
   * also while it waits in the pool, so it must be longer there; it is the last resort where `AbandonedConnections` cannot end it.
   */
  mariadb: ['SET SESSION idle_transaction_timeout = 5'],
  mysql: ['SET SESSION wait_timeout = 600'],
  /*
   * A read, or a transaction when it begins, waits until this server has applied all that the cluster had committed by then: another node,
   * or this one on another server before a fail-over, may have acknowledged it. See decision 0030.
   */
  galera: ['SET SESSION wsrep_sync_wait = 1'],
} as const;

/** One row, whose `Value` is ON, on a server that belongs to a Galera cluster. Answered also where it has no majority. */
export const ASK_FOR_GALERA = "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'";
