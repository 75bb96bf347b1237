import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './app.js';

/** The names of openssl, by the names of the files that are made for them. */
const NAMES = { localhost: 'DNS:localhost', 'elsewhere.example': 'DNS:elsewhere.example', here: 'IP:127.0.0.1' };

/** @returns a folder with two authorities that nobody knows, `ca` and `other-ca`, and certificates by the first; of each a `.crt` and a `.key` */
export function makeCertificates(): string {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-batch'];
  for (const ca of ['ca', 'other-ca'])
    openssl('req', '-x509', ...key, '-days', '2', '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.crt`);
  for (const [file, name] of Object.entries(NAMES)) {
    openssl('req', ...key, '-subj', `/CN=${file}`, '-keyout', `${file}.key`, '-out', `${file}.csr`);
    writeFileSync(join(folder, 'names'), `subjectAltName=${name}\n`);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
    openssl('x509', '-req', '-in', `${file}.csr`, ...by, '-out', `${file}.crt`);
  }
  return folder;
}
