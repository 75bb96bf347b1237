/** The variables of nodes on which the people of the chaos live. */
export const environmentOf = (given: {
  databaseUrl: string;
  redisUrl: string;
  mailPort: number;
  botUrl: string;
}): Record<string, string> => ({
  DATABASE_URL: given.databaseUrl,
  REDIS_URL: given.redisUrl,
  JWT_SECRET: 'a secret for tests, longer than 32 bytes',
  SMTP_URL: `smtp://127.0.0.1:${given.mailPort}`,
  PUBLIC_URL: 'http://localhost:3000',
  BOT_URL: given.botUrl,
  RATE_LIMITS: 'off',
  WEB_CLIENT: 'off',
  LOG_LEVEL: 'error',
});
