import { useEffect } from 'preact/hooks';
import { go, route, to } from '../router.js';
import { Forgot } from './forgot.js';
import { Login, rememberWanted } from './login.js';
import { Mail } from './mail.js';
import { isDoor } from './places.js';
import { Register } from './register.js';
import { Reset } from './reset.js';
import { Welcome } from './welcome.js';

const PAGES = { login: Login, register: Register, mail: Mail, welcome: Welcome, forgot: Forgot } as const;

/** What there is for those who are not signed in. Every other address leads to the login, and from there back. */
export function Doors() {
  const here = route.value;
  const isElsewhere = !isDoor(here);
  useEffect(() => {
    if (!isElsewhere) return;
    rememberWanted();
    go(to('login'), { replace: true });
  }, [isElsewhere]);
  if (here.at === 'reset') return <Reset key={here.token} token={here.token} />;
  const Page = here.at in PAGES ? PAGES[here.at as keyof typeof PAGES] : undefined;
  return Page ? <Page /> : null;
}
