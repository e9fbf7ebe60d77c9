/** An expected refusal: a value, never thrown. `explain` is written for the person who meets it. */
import type { Finding } from './compose/model.ts';

export const rejectionCodes = {
  INVALID: 'invalid',
  COMPOSE_INVALID: 'invalid',
  FORBIDDEN: 'forbidden',
  TOKEN_UNKNOWN: 'forbidden',
  TOKEN_USED: 'forbidden',
  TOKEN_EXPIRED: 'forbidden',
  TOKEN_REVOKED: 'forbidden',
  NODE_REFUSED: 'forbidden',
  NOT_FOUND: 'missing',
  NAME_TAKEN: 'conflict',
  NODE_KNOWN: 'conflict',
  PORT_IN_USE: 'conflict',
  NOT_NOW: 'conflict',
  VOLUME_IN_USE: 'conflict',
  NEWER_SNAPSHOTS: 'conflict',
  STALE: 'conflict',
  EXPIRED: 'conflict',
  SHRINKING: 'refused',
  FIXED: 'refused',
  ADOPTED: 'refused',
  MOVE_FIRST: 'refused',
  NOT_EMPTY: 'refused',
  BUILT_IN: 'refused',
  NO_NODE_FITS: 'refused',
  CLOCK_WRONG: 'refused',
  PROTOCOL_UNSUPPORTED: 'refused',
  FOLD_UNSUPPORTED: 'refused',
  LAST_VOTER: 'refused',
  WITNESS_ONLY: 'refused',
  TOO_MANY: 'refused',
  UNSUPPORTED: 'refused',
  QUARANTINED: 'refused',
} as const satisfies Record<string, 'invalid' | 'forbidden' | 'missing' | 'conflict' | 'refused'>;
export type RejectionCode = keyof typeof rejectionCodes;

export interface Rejection {
  readonly code: RejectionCode;
  /** What and where, one or two sentences. */
  readonly explain: string;
  /** What to do. */
  readonly hint?: string;
  /** Fields of the input that are wrong, for forms. */
  readonly fields?: readonly { readonly path: string; readonly message: string }[];
  /** Places in a file that the person wrote. */
  readonly findings?: readonly Finding[];
}

export const reject = (code: RejectionCode, explain: string, hint?: string): { readonly rejected: Rejection } => ({
  rejected: hint === undefined ? { code, explain } : { code, explain, hint },
});
