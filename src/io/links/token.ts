/**
 * A join token: all that a machine must know to become a node of a lab, in one line that a person copies. Where the lab
 * is, the fingerprint of its authority (so that nobody else can pretend to be the lab), and a secret that is good for
 * one node and for a while.
 *
 *   flt1-<base64url>     length u16 │ check u8 │ body │ CRC-32
 *
 * `length` counts everything, and has a check of its own: a token that was cut short is told from one that was mistyped.
 * The lab stores only the hash of the secret.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { parseHostPort } from './address.ts';

export interface JoinToken {
  /** `host:port` of nodes of the lab; 1 to 16. */
  readonly addresses: readonly string[];
  /** SHA-256 of the certificate of the lab's authority, hex. */
  readonly caSha256: string;
  /** By which the lab knows the token. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

export class TokenError extends Error {
  readonly code: 'CUT_SHORT' | 'MISTYPED' | 'TOO_NEW' | 'NOT_A_TOKEN';
  /** What a person can do about it. */
  readonly hint: string;
  constructor(code: TokenError['code'], explain: string, hint: string) {
    super(explain);
    this.name = 'TokenError';
    this.code = code;
    this.hint = hint;
  }
}

const version = 1;
const prefix = `flt${version}-`;
const headBytes = 3;
const crcBytes = 4;
const hashBytes = 32;
const maxAddresses = 16;
const idRule = /^[A-Za-z0-9_-]{1,64}$/;

export function formatToken({ addresses, caSha256, id, secret }: JoinToken): string {
  const hash = Buffer.from(caSha256, 'hex');
  const isGood = hash.length === hashBytes && secret.length === hashBytes && idRule.test(id) && areAddresses(addresses);
  if (!isGood) throw new RangeError('these are not the parts of a join token');
  const body = Buffer.concat([hash, secret, texts([id, ...addresses])]);
  const all = Buffer.alloc(headBytes + body.length + crcBytes);
  all.writeUInt16BE(all.length);
  all[2] = lengthCheck(all);
  all.set(body, headBytes);
  all.writeUInt32BE(crc32(all.subarray(0, -crcBytes)), all.length - crcBytes);
  return prefix + all.toString('base64url');
}

/** White space, of line breaks in a terminal, is passed over. @throws TokenError */
export function parseToken(text: string): JoinToken {
  const line = text.replaceAll(/\s/g, '');
  const letters = lettersOf(line);
  const all = Buffer.from(letters, 'base64url');
  if (letters.length < 4) throw cutShort();
  if (all[2] !== lengthCheck(all)) throw mistyped();
  const length = all.readUInt16BE();
  // A length of its own: of the last letters some bits may be nothing.
  if (letters.length < Math.ceil((length * 4) / 3)) throw cutShort();
  const isWhole =
    all.length === length &&
    length >= headBytes + 2 * hashBytes + crcBytes &&
    all.toString('base64url') === letters &&
    all.readUInt32BE(length - crcBytes) === crc32(all.subarray(0, -crcBytes));
  if (!isWhole) throw mistyped();
  const [caSha256, secret, rest] = [
    all.toString('hex', headBytes, headBytes + hashBytes),
    all.subarray(headBytes + hashBytes, headBytes + 2 * hashBytes),
    all.subarray(headBytes + 2 * hashBytes, -crcBytes),
  ];
  const [id, ...addresses] = textsIn(rest) ?? [];
  if (id === undefined || !idRule.test(id) || !areAddresses(addresses)) throw mistyped();
  return { addresses, caSha256, id, secret: new Uint8Array(secret) };
}

/** What the lab stores of the secret: SHA-256, hex. */
export const tokenHash = (secret: Uint8Array): string => createHash('sha256').update(secret).digest('hex');

function lettersOf(line: string): string {
  const [head, ...parts] = line.split('-');
  const later = /^flt([1-9]\d{0,2})$/.exec(head ?? '');
  if (later && parts.length > 0 && Number(later[1]) > version) {
    throw new TokenError(
      'TOO_NEW',
      'the token comes from a newer version of FloatLab than this one',
      'Upgrade FloatLab on this machine, then join.',
    );
  }
  if (line.startsWith(prefix)) {
    const letters = line.slice(prefix.length);
    if (!/^[A-Za-z0-9_-]*$/.test(letters)) throw mistyped();
    return letters;
  }
  if (line.length > 0 && prefix.startsWith(line)) throw cutShort();
  throw new TokenError(
    'NOT_A_TOKEN',
    `this is not a join token: those begin with ${prefix}`,
    'Make one on a node of the lab with: floatlab node token',
  );
}

const cutShort = (): TokenError =>
  new TokenError('CUT_SHORT', 'the token is cut short: its end is missing', 'Copy the whole line once more.');

const mistyped = (): TokenError =>
  new TokenError(
    'MISTYPED',
    'the token has a letter wrong: its checksum does not fit',
    'Copy the whole line once more, instead of typing it.',
  );

/** Of the two bytes before it; differs when any letter that covers the three does. */
const lengthCheck = (all: Uint8Array): number => ((all[0] ?? 0) ^ (all[1] ?? 0) ^ 0x5a) & 0xff;

const areAddresses = (addresses: readonly string[]): boolean =>
  addresses.length >= 1 &&
  addresses.length <= maxAddresses &&
  addresses.every((address) => address.length <= 255 && parseHostPort(address) !== undefined);

/** Each with its length before it. */
const texts = (all: readonly string[]): Buffer =>
  Buffer.concat(
    all.map((text) => {
      const bytes = Buffer.from(text, 'latin1');
      return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    }),
  );

/** @returns undefined when it ends within a text */
function textsIn(bytes: Buffer): readonly string[] | undefined {
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end > bytes.length) return undefined;
    found.push(bytes.toString('latin1', at + 1, end));
    at = end;
  }
  return found;
}
