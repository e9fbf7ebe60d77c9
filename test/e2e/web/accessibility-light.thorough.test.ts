/** The web app in a real browser, against a lab in memory: that everybody can use every screen, light. */
import { accessibleIn } from './accessibility.ts';

accessibleIn('light');
