import './jitless.ts';
import './theme/mantine.css';
import './theme/tokens.css';
import './theme/base.css';
import './theme/overrides.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
