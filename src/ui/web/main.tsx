import './jitless.ts';
import './theme/mantine.css';
import './theme/tokens.css';
import './theme/base.css';
import './theme/overrides.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

// A file of the app that is not there any more (the lab was upgraded) or did not arrive (the network changed): the page
// as it is now has the right ones. Not again and again, though: then the error is shown.
addEventListener('vite:preloadError', (event) => {
  const key = 'floatlab.reloaded';
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 10_000) return;
  sessionStorage.setItem(key, String(Date.now()));
  event.preventDefault();
  location.reload();
});

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
