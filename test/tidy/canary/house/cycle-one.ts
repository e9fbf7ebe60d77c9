/** Two files that need each other are one file. */
import { two } from './cycle-two.ts'; // ✗ import/no-cycle

export const one = (): number => two() + 1;
