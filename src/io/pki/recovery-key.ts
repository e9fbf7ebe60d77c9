/**
 * The recovery key of a lab: shown once, kept by a person on paper, and the only thing that opens the sealed copy of
 * the lab's keys when every machine that held them is gone.
 *
 * 256 bits of chance in Crockford's base32 (https://www.crockford.com/base32.html: no I, L, O and U, so that nothing is
 * mistaken for a digit), in groups of four. The last group is a checksum: a slip of the pen is found before anything is
 * tried.
 *
 *   K7RM-0ZQ4-…-9HTC   13 groups and the checksum
 */
import { createHash, randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const keyBytes = 32;
/** 256 bits in letters of 5 bits. */
const keyLetters = 52;
const checkLetters = 4;

export class RecoveryError extends Error {
  readonly code: 'CUT_SHORT' | 'MISTYPED' | 'WRONG_KEY' | 'DAMAGED' | 'TOO_NEW';
  /** What a person can do about it. */
  readonly hint: string;
  constructor(code: RecoveryError['code'], explain: string, hint: string, cause?: unknown) {
    super(explain, { cause });
    this.name = 'RecoveryError';
    this.code = code;
    this.hint = hint;
  }
}

/** @returns the code that a person writes down */
export const makeRecoveryKey = (): string => formatRecoveryKey(randomBytes(keyBytes));

export function formatRecoveryKey(key: Uint8Array): string {
  const letters = lettersOf(key, keyLetters) + checkOf(key);
  return letters.match(/.{4}/g)?.join('-') ?? letters;
}

/** As a person types it: in small letters, with spaces or without, O for 0. @throws RecoveryError */
export function parseRecoveryKey(typed: string): Uint8Array {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const wrong = [...letters].find((letter) => !alphabet.includes(letter));
  if (wrong !== undefined) throw mistyped(`"${wrong}" is not in any recovery key`);
  const missing = keyLetters + checkLetters - letters.length;
  if (missing > 0) {
    const explain = `the recovery key lacks ${missing} of its ${keyLetters + checkLetters} letters`;
    throw new RecoveryError('CUT_SHORT', explain, 'It has 14 groups of four: enter all of them.');
  }
  if (missing < 0) throw mistyped(`the recovery key has ${-missing} letters too many`);
  const key = bytesOf(letters.slice(0, keyLetters));
  // The last letter holds one bit of the key and four that are nothing.
  const isWhole = letters === lettersOf(key, keyLetters) + checkOf(key);
  if (!isWhole) throw mistyped('the recovery key has a letter wrong: its checksum does not fit');
  return key;
}

const mistyped = (explain: string): RecoveryError =>
  new RecoveryError('MISTYPED', explain, 'Compare it with the paper, group by group.');

const checkOf = (key: Uint8Array): string =>
  lettersOf(createHash('sha256').update('floatlab recovery key').update(key).digest(), checkLetters);

/** The first letters of these bytes, 5 bits each; what lacks at the end is zeros. */
function lettersOf(bytes: Uint8Array, count: number): string {
  let letters = '';
  for (let at = 0; at < count; at += 1) {
    let value = 0;
    for (let bit = 5 * at; bit < 5 * at + 5; bit += 1)
      value = 2 * value + (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    letters += alphabet[value];
  }
  return letters;
}

function bytesOf(letters: string): Uint8Array {
  const bytes = new Uint8Array(keyBytes);
  for (let bit = 0; bit < 8 * keyBytes; bit += 1) {
    const value = alphabet.indexOf(letters[Math.floor(bit / 5)] ?? '0');
    if ((value >> (4 - (bit % 5))) & 1) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  return bytes;
}
