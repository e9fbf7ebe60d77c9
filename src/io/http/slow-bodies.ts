/**
 * Requests that take too long to arrive: an attack, or a broken network. Node has one limit for all of them; an archive
 * that is being imported may take hours, as long as it does not fall silent. So the limit is kept here, and whoever reads
 * such a body says so, and looks after its silence.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';

const patient = new WeakSet<object>();

/** The body of this request may take its time. @param incoming of somebody who is signed in */
export const mayTakeLong = (incoming: object): void => void patient.add(incoming);

/** Ends the connection of a request whose body has not arrived in time. */
export function limitBody(request: IncomingMessage, clock: Clock, withinMs: number): void {
  if (request.complete) return;
  const timer = clock.setTimeout(() => {
    if (!request.complete && !patient.has(request)) request.socket.destroy();
  }, withinMs);
  request.once('close', () => clock.clearTimeout(timer));
}

/** The same bytes; ends when nothing has come for so long. @throws IoError TIMED_OUT, ABORTED */
export async function* unlessSilent(
  body: ReadableStream<Uint8Array>,
  clock: Clock,
  withinMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  try {
    for (;;) {
      let timer: ReturnType<Clock['setTimeout']> | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = clock.setTimeout(() => reject(ended('TIMED_OUT', 'nothing more came')), withinMs);
      });
      const next = reader.read().catch((error: unknown) => {
        throw ended('ABORTED', `the connection ended before the archive did: ${String(error)}`);
      });
      try {
        const { done, value } = await Promise.race([next, silence]);
        if (done) return;
        yield value;
      } finally {
        if (timer !== undefined) clock.clearTimeout(timer);
        next.catch(() => undefined);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const ended = (code: 'TIMED_OUT' | 'ABORTED', message: string): IoError =>
  new IoError(code, { op: 'import', target: 'the archive', message, hint: 'Send it again.' });
