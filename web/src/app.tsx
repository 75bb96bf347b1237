import { useEffect } from 'preact/hooks';
import { Doors } from './doors/doors.js';
import { isDoor } from './doors/places.js';
import { ofTab } from './parts/kept.js';
import { lazily } from './parts/lazy.js';
import { auth } from './parley.js';
import { go, route, to } from './router.js';

/** Everything behind the login is a chunk of its own: the doors open without it. */
const Home = lazily(() => import('./home.js').then((module) => module.Home));

export function App() {
  const { status } = auth.value;
  const { at } = route.value;
  // Both are opened by links in mails, also by somebody who is in.
  const isFromMail = at === 'welcome' || at === 'reset';
  const isLeftOver = status === 'signed_in' && isDoor(route.value) && !isFromMail;
  useEffect(() => {
    if (isLeftOver) go(afterLogin(), { replace: true });
  }, [isLeftOver]);
  // Until the storage has answered, which takes milliseconds: nothing is better than what would be taken away.
  if (status === 'unknown' || isLeftOver) return null;
  return status === 'signed_in' && !isFromMail ? <Home /> : <Doors />;
}

/** Where somebody wanted to go who had to log in first. */
function afterLogin(): string {
  const wanted = ofTab.read('wanted');
  ofTab.remove('wanted');
  return wanted ?? to('');
}
