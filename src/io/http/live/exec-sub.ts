/**
 * A command in a container, and a person at its other end. What is typed before it runs waits for it; its output waits
 * for the reader. When the subscription goes, so does the session.
 */
import type { Call } from '../../devices/call.ts';
import type { ExecSession } from '../../devices/docker/port.ts';
import { frame } from './frames.ts';
import type { Outlet } from './outlet.ts';

const startWithinMs = 30_000;
const maxOutputBytes = 64 * 1024;
/** Input that may wait for the command to begin. */
const maxEarlyBytes = 1024 * 1024;

export interface ExecSubOptions {
  readonly sub: number;
  readonly outlet: Outlet;
  readonly size: { readonly columns: number; readonly rows: number } | undefined;
  start(call: Call): Promise<ExecSession>;
  /** It is over: with its exit code told, or because of an error. */
  end(error?: unknown): void;
}

type Input = (session: ExecSession) => void;

export class ExecSub {
  readonly #options: ExecSubOptions;
  readonly #stop = new AbortController();
  #session: ExecSession | undefined;
  #early: Input[] = [];
  #earlyBytes = 0;

  constructor(options: ExecSubOptions) {
    this.#options = options;
    void this.#run();
  }

  /** @param data base64. @returns false when too much waits */
  input(data: string | undefined): boolean {
    if (data === undefined) return this.#give((session) => session.endInput(), 0);
    const bytes = Buffer.from(data, 'base64');
    return this.#give((session) => session.write(bytes), bytes.length);
  }

  resize(columns: number, rows: number): boolean {
    // The command may have ended a moment ago: then there is nothing to resize.
    return this.#give((session) => void session.resize(columns, rows).catch(() => undefined), 16);
  }

  close(): void {
    this.#stop.abort();
    this.#session?.close();
    this.#early = [];
  }

  #give(input: Input, bytes: number): boolean {
    if (this.#session) {
      input(this.#session);
      return true;
    }
    this.#earlyBytes += bytes;
    if (this.#earlyBytes > maxEarlyBytes) return false;
    this.#early.push(input);
    return true;
  }

  async #run(): Promise<void> {
    const { start, size, end } = this.#options;
    const { signal } = this.#stop;
    try {
      const session = await start({ signal, timeoutMs: startWithinMs, progress: () => undefined });
      if (signal.aborted) return session.close();
      this.#session = session;
      if (size) await session.resize(size.columns, size.rows).catch(() => undefined);
      for (const input of this.#early.splice(0)) input(session);
      await this.#pass(session);
    } catch (error) {
      if (signal.aborted) return;
      this.#session?.close();
      end(error);
    }
  }

  async #pass(session: ExecSession): Promise<void> {
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
