import { customAlphabet } from 'nanoid';
import type { Random } from './port.ts';

export const realRandom: Random = {
  next: () => Math.random(),
  id: customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 20),
};
