/**
 * Input of a command on its way to the lab. At most a window of it is out there, waiting for the command; the rest
 * waits here until `took` has given room, and whoever writes is told to wait when that begins.
 */
import { execWindowBytes, type ToServer } from '#io/contract/live.ts';
import { maxInputBytes, toBase64 } from './live-ports.ts';

export class ExecInput {
  readonly #send: (message: ToServer) => void;
  readonly #onRoom: () => void;
  #sub: number | undefined;
  #waiting: Uint8Array[] = [];
  #out = 0;
  #end: 'open' | 'wanted' | 'sent' = 'open';
  #isBlocked = false;

  /** @param onRoom called when everything has been sent after `write` had said to wait */
  constructor(send: (message: ToServer) => void, onRoom: () => void) {
    this.#send = send;
    this.#onRoom = onRoom;
  }

  /** The lab knows the command: what was written so far may go. */
  open(sub: number): void {
    this.#sub = sub;
    this.#pass();
  }

  /** @returns false when the writer should wait for room */
  write(data: Uint8Array): boolean {
    if (this.#end !== 'open') return true;
    if (data.length > 0) this.#waiting.push(data);
    this.#pass();
    this.#isBlocked = this.#waiting.length > 0;
    return !this.#isBlocked;
  }

  end(): void {
    if (this.#end === 'open') this.#end = 'wanted';
    this.#pass();
  }

  took(bytes: number): void {
    this.#out = Math.max(0, this.#out - bytes);
    this.#pass();
    if (!this.#isBlocked || this.#waiting.length > 0) return;
    this.#isBlocked = false;
    this.#onRoom();
  }

  #pass(): void {
    const sub = this.#sub;
    if (sub === undefined) return;
    for (let next = this.#waiting[0]; next && this.#out < execWindowBytes; next = this.#waiting[0]) {
      const piece = next.subarray(0, Math.min(maxInputBytes, execWindowBytes - this.#out));
      this.#out += piece.length;
      this.#send({ t: 'input', sub, data: toBase64(piece) });
      if (piece.length === next.length) this.#waiting.shift();
      else this.#waiting[0] = next.subarray(piece.length);
    }
    if (this.#end !== 'wanted' || this.#waiting.length > 0) return;
    this.#end = 'sent';
    this.#send({ t: 'input', sub });
  }
}
