import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/config.js';
import { parseDatabaseUrl } from '../../src/config/database-url.js';
import { temporaryFolder } from '../support/app.js';

const PLAIN = { host: 'db', port: 3306, user: 'ada', password: 'secret', database: 'chat', sslMode: 'PREFERRED' };

describe('DATABASE_URL', () => {
  it.each([
    ['mysql://ada:secret@db/chat', {}],
    ['mariadb://ada:secret@db:3307/chat', { port: 3307 }],
    ['mysql://ada:secret@[2001:db8::1]:3307/chat', { host: '2001:db8::1', port: 3307 }],
    ['mysql://ada:secret@[::1]/chat?ssl-mode=disabled', { host: '::1', sslMode: 'DISABLED' }],
    ['mysql://a%40b%3A:p%2F%3F%23%25@db/ch%C3%A4t%20%2F', { user: 'a@b:', password: 'p/?#%', database: 'chät /' }],
    ['mysql://ada@db/chat?ssl-mode=VERIFY_IDENTITY', { password: undefined, sslMode: 'VERIFY_IDENTITY' }],
    ['mysql://db/chat', { user: undefined, password: undefined }],
  ])('%s is understood', (url, parts) => {
    expect(parseDatabaseUrl(url)).toEqual({ ...PLAIN, ...parts, sslCa: undefined });
  });

  it.each([
    ['mysql://ada:hunter2@db/chat?ssl=true', 'has an unknown parameter ssl; there are ssl-mode and ssl-ca'],
    ['mysql://ada:hunter2@db/chat?sslmode=REQUIRED', 'has an unknown parameter sslmode; '],
    ['mysql://ada:12?hunter2@db/chat', 'must be a URL like'],
    ['mysql://ada:12/x?hunter2@db/chat', 'has an unknown parameter; '],
    ['mysql://ada:hunter2@db/chat?ssl-mode=on', 'has an ssl-mode that is none of DISABLED, PREFERRED, '],
    ['mysql://ada:hunter2@db/chat?ssl-mode=REQUIRED&ssl-mode=DISABLED', 'has ssl-mode twice'],
    ['mysql://ada:hunter2@db/chat?ssl-ca=/nowhere/ca.pem', 'has an ssl-ca that cannot be read (ENOENT)'],
    ['mysql://ada:hunter2@db/chat?ssl-ca=package.json', 'has an ssl-ca that holds no certificate'],
    [
      'mysql://ada:hunter2@db/chat?ssl-mode=REQUIRED&ssl-ca=ca.pem',
      'has an ssl-ca, which ssl-mode=REQUIRED would not ask',
    ],
    ['mysql://ada:hunter2@127.0.0.1/chat?ssl-mode=VERIFY_IDENTITY', 'has an address as its host'],
    ['mysql://ada:hunter2%@db/chat', 'must be a URL like'],
    ['mysql://ada:hunter2@db:0/chat', 'must be a URL like'],
    ['mysql://ada:hunter2@db/chat#x', 'must be a URL like'],
    ['mysql://ada:hunter2@db/a/b', 'must be a URL like'],
  ])('%s stops the start, with a sentence and without the password', (url, sentence) => {
    const load = () => loadConfig({ DATABASE_URL: url, JWT_SECRET: 'x'.repeat(32) });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(`\n  DATABASE_URL ${sentence}`);
    expect(load).not.toThrow(/hunter2/);
  });

  it('with an authority verifies it', () => {
    const file = join(temporaryFolder(), 'my ca.pem');
    writeFileSync(file, CERTIFICATE);
    expect(parseDatabaseUrl(`mysql://ada:secret@db/chat?ssl-ca=${encodeURIComponent(file)}`)).toEqual({
      ...PLAIN,
      sslMode: 'VERIFY_CA',
      sslCa: CERTIFICATE,
    });
  });
});

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUXLtW/VWDMYnByKWcnon4pwvtXqUwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGUGFybGV5MCAXDTI2MTEyNjAzNDAyOFoYDzIxMjYxMTAyMDM0
MDI4WjARMQ8wDQYDVQQDDAZQYXJsZXkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQZmOu09IeGWxiwbkMAD+hmOfMwDbQRu9QOc6vt2V8b/unhtzzH5+BWJpdLHEhv
zzSpz1aqqDOQZkyunUvjMRbmo1MwUTAdBgNVHQ4EFgQU2OPmVCkNZUjFxRscu1TI
SM2O6sQwHwYDVR0jBBgwFoAU2OPmVCkNZUjFxRscu1TISM2O6sQwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB/8sRwBMSVC7LtV/zJ+1ZiiSHJ7ofp
ZClOKNOn05lBbAIhAKGeMnh4yT2+EUI13WrfBrms39mgCmHwFNMlmRqRF9Q1
-----END CERTIFICATE-----
`;
