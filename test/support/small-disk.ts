import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const CAP_SYS_ADMIN = 21n;

/** Root in a container may lack what mounting takes. */
function mayMount(): boolean {
  if (!existsSync('/proc/self/status')) return false;
  const [, capabilities] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return ((BigInt(`0x${capabilities}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/**
 * Mounts an empty disk of so many MiB on a folder; `unmount` takes it away.
 * @param what is not tested without it
 * @returns false where this process may not mount; a line says so
 * @throws with `REQUIRE_SERVICES=1`, where it may, and it fails all the same
 */
export function mountSmallDisk(folder: string, mib: number, what: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'none', folder], { stdio: 'pipe' });
    return true;
  } catch (error) {
    const missing = `NO DISK CAN BE MOUNTED ON THIS MACHINE: ${what} IS NOT TESTED. That takes root, and CAP_SYS_ADMIN in a container.`;
    if (process.env['REQUIRE_SERVICES'] === '1' && mayMount())
      throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`, { cause: error });
    console.warn(`\n*** ${missing}\n`);
    return false;
  }
}

export const unmount = (folder: string): void => void execFileSync('umount', [folder]);
