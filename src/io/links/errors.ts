/** Why a link was refused, could not be made, or ended. Callers branch on the code; the other end sends codes, too. */
const linkCodes = [
  // Said by either end of a handshake.
  'NO_CERTIFICATE',
  'WRONG_CA',
  'WRONG_KEY',
  'EXPIRED',
  'NOT_ADMITTED',
  'WRONG_CLUSTER',
  'OLD_GENERATION',
  'NEWER_GENERATION',
  'PROTOCOL_TOO_OLD',
  'PROTOCOL_TOO_NEW',
  'WRONG_NODE',
  'WRONG_INCARNATION',
  'DUPLICATE_NODE',
  'WRONG_PURPOSE',
  'BAD_HELLO',
  'SILENT',
  'BUSY',
  // What strangers do.
  'NOT_TLS',
  'BAD_REQUEST',
  // Of a link that was there, or never came to be.
  'TOO_LARGE',
  'BAD_FRAME',
  'DEAD',
  'LOST',
  'CLOSED',
  'STOPPING',
  'REPLACED',
  'FAILED',
  'UNREACHABLE',
  'TIMED_OUT',
  'ABORTED',
] as const;
export type LinkCode = (typeof linkCodes)[number];

/** A code that somebody else sent; one of a later version is FAILED, and its explanation says the rest. */
export const linkCode = (text: string): LinkCode => linkCodes.find((code) => code === text) ?? 'FAILED';

/** What goes over the wire, and what a person reads. */
export interface Refusal {
  readonly code: LinkCode;
  readonly explain: string;
  readonly hint: string;
}

/** How a link ended. */
export interface LinkEnd {
  readonly code: LinkCode;
  readonly explain: string;
}

export class LinkError extends Error {
  readonly code: LinkCode;
  /** What a person can do about it. */
  readonly hint: string;
  /** True if the other end said so. */
  readonly isTheirs: boolean;

  constructor({ code, explain, hint }: Refusal, isTheirs = false, cause?: unknown) {
    super(explain, cause === undefined ? undefined : { cause });
    this.name = 'LinkError';
    this.code = code;
    this.hint = hint;
    this.isTheirs = isTheirs;
  }
}
