/** Passwords that the daemon makes up: easy to read aloud, 79 bits. */
import { randomInt } from 'node:crypto';

const alphabet = 'abcdefghjkmnpqrstvwxyz23456789';

/** @returns four groups of four, `h3kf-9xwa-…` */
export const makePassword = (): string =>
  Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('')).join(
    '-',
  );
