/**
 * Calls and answers as bytes. Either end of a link numbers its own calls; an answer bears the number of the call.
 *
 *   call    1 │ number 6 │ length of method 1 │ method, ASCII │ body
 *   result  2 │ number 6 │ body
 *   error   3 │ number 6 │ JSON {code, message, hint?}
 *   cancel  4 │ number 6
 *
 * What is said in one turn goes as one frame, because a frame costs more than most calls:
 *
 *   several 5 │ (length u32 │ one of the above) …
 */
import { Buffer } from 'node:buffer';
import * as z from 'zod';

export const isMethod = (text: string): boolean => /^[a-z][a-z0-9/.-]{0,63}$/.test(text);

const trouble = z.object({
  code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  message: z.string().max(4000),
  hint: z.string().max(1000).exactOptional(),
});
/** Why a call failed at the other end. */
export type Trouble = z.infer<typeof trouble>;

export type CallFrame =
  | { readonly t: 'call'; readonly id: number; readonly method: string; readonly body: Uint8Array }
  | { readonly t: 'result'; readonly id: number; readonly body: Uint8Array }
  | { readonly t: 'error'; readonly id: number; readonly trouble: Trouble }
  | { readonly t: 'cancel'; readonly id: number };

const kinds = { call: 1, result: 2, error: 3, cancel: 4 } as const;
const several = 5;
/** Before each of several. */
export const lengthBytes = 4;
const idBytes = 6;
const headBytes = 1 + idBytes;

export function packCall(frame: CallFrame): Buffer {
  switch (frame.t) {
    case 'call': {
      const method = Buffer.from(frame.method, 'latin1');
      const packed = start(frame, 1 + method.length + frame.body.length);
      packed[headBytes] = method.length;
      packed.set(method, headBytes + 1);
      packed.set(frame.body, headBytes + 1 + method.length);
      return packed;
    }
    case 'result': {
      const packed = start(frame, frame.body.length);
      packed.set(frame.body, headBytes);
      return packed;
    }
    case 'error': {
      const text = Buffer.from(JSON.stringify(frame.trouble));
      const packed = start(frame, text.length);
      packed.set(text, headBytes);
      return packed;
    }
    case 'cancel':
      return start(frame, 0);
  }
}

function start({ t, id }: CallFrame, moreBytes: number): Buffer {
  const packed = Buffer.allocUnsafe(headBytes + moreBytes);
  packed[0] = kinds[t];
  packed.writeUIntBE(id, 1, idBytes);
  return packed;
}

/** Of frames that were packed, in their order. */
export function packSeveral(frames: readonly Buffer[]): Buffer {
  const [only] = frames;
  if (only && frames.length === 1) return only;
  const packed = Buffer.allocUnsafe(frames.reduce((bytes, { length }) => bytes + lengthBytes + length, 1));
  packed[0] = several;
  let at = 1;
  for (const frame of frames) {
    packed.writeUInt32BE(frame.length, at);
    packed.set(frame, at + lengthBytes);
    at += lengthBytes + frame.length;
  }
  return packed;
}

/** What came as one frame. @returns undefined for garbage */
export function splitSeveral(bytes: Buffer): readonly Buffer[] | undefined {
  if (bytes[0] !== several) return [bytes];
  const frames: Buffer[] = [];
  for (let at = 1; at < bytes.length;) {
    const begin = at + lengthBytes;
    if (begin > bytes.length) return undefined;
    at = begin + bytes.readUInt32BE(at);
    if (at > bytes.length) return undefined;
    frames.push(bytes.subarray(begin, at));
  }
  return frames;
}

/** Bodies are views of these bytes. @returns undefined for garbage */
export function parseCall(bytes: Buffer): CallFrame | undefined {
  if (bytes.length < headBytes) return undefined;
  const id = bytes.readUIntBE(1, idBytes);
  const rest = bytes.subarray(headBytes);
  switch (bytes[0]) {
    case kinds.call: {
      const end = 1 + (rest[0] ?? 0);
      const method = rest.toString('latin1', 1, end);
      return rest.length >= end && isMethod(method) ? { t: 'call', id, method, body: rest.subarray(end) } : undefined;
    }
    case kinds.result:
      return { t: 'result', id, body: rest };
    case kinds.error: {
      const read = parseTrouble(rest);
      return read && { t: 'error', id, trouble: read };
    }
    case kinds.cancel:
      return rest.length === 0 ? { t: 'cancel', id } : undefined;
    default:
      return undefined;
  }
}

export function parseTrouble(bytes: Buffer): Trouble | undefined {
  try {
    return trouble.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** What was thrown, as the other end may read it. */
export function troubleOf(error: unknown): Trouble {
  const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
  return {
    code: typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'FAILED',
    message: (typeof message === 'string' ? message : String(error)).slice(0, 4000),
    ...(typeof hint === 'string' && { hint: hint.slice(0, 1000) }),
  };
}
