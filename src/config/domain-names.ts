import { domainToASCII } from 'node:url';

/** Most domains that ALLOWED_DOMAINS, or an admin, names. */
export const MOST_DOMAINS = 32;

// Characters that `domainToASCII` would take for another part of a URL, or decode, so that another domain would come out.
const NOT_IN_A_DOMAIN = /[\s/\\?#%:@]/;

const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** One spelling for one domain: lower case, in punycode; empty where there is none. Undefined where it holds what no domain does. */
export const domainInAscii = (domain: string): string | undefined =>
  NOT_IN_A_DOMAIN.test(domain) ? undefined : domainToASCII(domain).toLowerCase();

/** The same for a domain by itself, undefined for everything else. */
export function domainOf(given: string): string | undefined {
  const domain = domainInAscii(given.trim());
  return domain !== undefined && DOMAIN.test(domain) ? domain : undefined;
}
