/**
 * A command in a container, and a person or program at its other end.
 *
 *   client ── input ──▶ what waits here, up to a window ──▶ command        `took` gives back what has left here
 *   client ◀── output ── as fast as the client reads ────── command
 *
 * What is typed before the command runs waits for it. When the subscription goes, so does the session.
 */
import { execWindowBytes } from '#io/contract/live.ts';
import type { Call } from '../../devices/call.ts';
import type { ExecSession } from '../../devices/docker/port.ts';
import { frame } from './frames.ts';
import type { Outlet } from './outlet.ts';

const startWithinMs = 30_000;
const maxOutputBytes = 64 * 1024;

export interface ExecSubOptions {
  readonly sub: number;
  readonly outlet: Outlet;
  readonly size: Size | undefined;
  start(call: Call): Promise<ExecSession>;
  /** It is over: with its exit code told, or because of an error. */
  end(error?: unknown): void;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class ExecSub {
  readonly #options: ExecSubOptions;
  readonly #stop = new AbortController();
  #session: ExecSession | undefined;
  #size: Size | undefined;
  /** Input that the command has not taken; `undefined` is its end. */
  #waiting: (Uint8Array | undefined)[] = [];
  #waitingBytes = 0;
  #isPassing = false;

  constructor(options: ExecSubOptions) {
    this.#options = options;
    this.#size = options.size;
    void this.#run();
  }

  /** @param data base64. @returns false when it is more than may wait: the client has not kept to its window */
  input(data: string | undefined): boolean {
    const bytes = data === undefined ? undefined : Buffer.from(data, 'base64');
    if (this.#waitingBytes + (bytes?.length ?? 0) > execWindowBytes) return false;
    this.#waitingBytes += bytes?.length ?? 0;
    this.#waiting.push(bytes);
    void this.#passInput();
    return true;
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    void this.#applySize();
  }

  close(): void {
    this.#stop.abort();
    this.#session?.close();
    this.#waiting = [];
  }

  async #run(): Promise<void> {
    const { sub, outlet, start, end } = this.#options;
    const { signal } = this.#stop;
    try {
      const session = await start({ signal, timeoutMs: startWithinMs, progress: () => undefined });
      if (signal.aborted) return session.close();
      this.#session = session;
      await this.#applySize();
      if (signal.aborted) return;
      outlet.send(frame({ t: 'begun', sub }));
      void this.#passInput();
      await this.#passOutput(session);
    } catch (error) {
      if (signal.aborted) return;
      this.#session?.close();
      end(error);
    }
  }

  /** The command may have ended a moment ago: then there is nothing to resize. */
  async #applySize(): Promise<void> {
    if (this.#size) await this.#session?.resize(this.#size.columns, this.#size.rows).catch(() => undefined);
  }

  /** One piece after the other, each once the one before has been taken. */
  async #passInput(): Promise<void> {
    const session = this.#session;
    if (!session || this.#isPassing) return;
    this.#isPassing = true;
    const { sub, outlet } = this.#options;
    try {
      while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
        const bytes = this.#waiting.shift();
        if (bytes === undefined) session.endInput();
        else {
          await session.write(bytes);
          this.#waitingBytes -= bytes.length;
          if (!this.#stop.signal.aborted) outlet.send(frame({ t: 'took', sub, bytes: bytes.length }));
        }
      }
    } catch {
      // A command that reads no more has ended, or will: its output and its exit code say how.
    } finally {
      this.#isPassing = false;
    }
  }

  async #passOutput(session: ExecSession): Promise<void> {
    const { sub, outlet, end } = this.#options;
    const { signal } = this.#stop;
    // It may fail while its output is still being read: then that is told, and not lost.
    const exitCode = session.exitCode.then(
      (code) => ({ code }),
      (error: unknown) => ({ error }),
    );
    for await (const { stream, bytes } of session.output) {
      for (let at = 0; at < bytes.length; at += maxOutputBytes) {
        await outlet.room();
        if (signal.aborted) return;
        const data = Buffer.from(bytes.subarray(at, at + maxOutputBytes)).toString('base64');
        outlet.send(frame({ t: 'output', sub, stream, data }));
      }
    }
    const exit = await exitCode;
    if (signal.aborted) return;
    if ('error' in exit) throw exit.error;
    outlet.send(frame({ t: 'exit', sub, code: exit.code }));
    session.close();
    end();
  }
}
