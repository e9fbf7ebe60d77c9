/** A world in memory for a run of the command line: what it wrote, and who answers its questions. */
import { Readable } from 'node:stream';
import { runCli } from '#ui/cli/program.ts';
import type { Asker } from '#ui/cli/ask.ts';
import { interrupted } from '#ui/cli/errors.ts';
import type { Sink, Source, World } from '#ui/cli/world.ts';
import { emptyHome } from './home.ts';

/** 2026-11-21T12:00:00Z: every test runs at this moment. */
export const now = Date.UTC(2026, 10, 21, 12, 0, 0);
export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export interface Setting {
  /** Address of the lab, as FLOATLAB_SERVER. */
  readonly server?: string;
  readonly env?: Record<string, string>;
  readonly home?: string;
  readonly cwd?: string;
  /** Whether all three streams are terminals. */
  readonly tty?: boolean;
  /** What the person answers, in turn; a terminal is needed. */
  readonly answers?: readonly (boolean | string)[];
  readonly stdin?: string;
  readonly interrupt?: AbortSignal;
  /** What `floatlabd` would do; by default nothing. */
  readonly daemon?: World['daemon'];
  /** What happens once the person sees this much on stdout. */
  readonly seen?: (out: string) => void;
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was asked. */
  readonly asked: readonly string[];
}

export class MemorySink implements Sink {
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 24;
  readonly chunks: Buffer[] = [];
  readonly #seen: (text: string) => void;

  constructor(isTTY: boolean, seen: (text: string) => void = () => undefined) {
    this.isTTY = isTTY;
    this.#seen = seen;
  }

  write(chunk: string | Uint8Array): void {
    this.chunks.push(Buffer.from(chunk as string));
    this.#seen(this.text);
  }

  on(): void {}
  off(): void {}

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

export async function run(args: readonly string[], setting: Setting = {}): Promise<Run> {
  const { tty = false, answers = [] } = setting;
  const home = setting.home ?? (await emptyHome());
  const stdin = Object.assign(Readable.from(pieces(setting.stdin ?? ''), { objectMode: false }), { isTTY: tty });
  const asked: string[] = [];
  const out = new MemorySink(tty, setting.seen);
  const err = new MemorySink(tty);
  const world: World = {
    env: { ...(setting.server === undefined ? {} : { FLOATLAB_SERVER: setting.server }), ...setting.env },
    cwd: setting.cwd ?? home,
    home,
    stdin: stdin as Source,
    stdout: out,
    stderr: err,
    ask: scriptedAsker(tty, answers, asked),
    now: () => now,
    daemon: setting.daemon ?? (() => Promise.resolve({ code: 0, stdout: '' })),
    interrupt: setting.interrupt ?? new AbortController().signal,
  };
  const code = await runCli(args, world, '1.2.3');
  return { code, out: out.text, err: err.text, asked };
}

/** As a pipe hands them on. */
function* pieces(text: string): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

function scriptedAsker(possible: boolean, answers: readonly (boolean | string)[], asked: string[]): Asker {
  const left = [...answers];
  const next = async <T>(question: string): Promise<T> => {
    asked.push(question);
    const answer = left.shift();
    if (answer === undefined) throw interrupted();
    return answer as T;
  };
  return { possible, confirm: next, text: next, secret: next };
}

/** Lines without the last empty one. */
export const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n');
