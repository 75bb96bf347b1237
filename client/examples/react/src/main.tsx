import { ParleyClient } from 'parley-client';
import { ParleyProvider } from 'parley-client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.js';

// Made once, outside of components. In a page of the server's own it needs no address.
const parley = new ParleyClient('http://localhost:3000');
// Somebody may be signed in still, from before the page was loaded.
void parley.resume();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <ParleyProvider client={parley}>
      <App />
    </ParleyProvider>
  </StrictMode>,
);
