/**
 * What can be followed over a live connection, each knowing how to begin, to take what comes, and to go on after the
 * connection was lost: a view from the index that it stands at, log lines from the time of the last one, an exec never.
 */
import { observedViews, type LiveLogLine, type ToClient, type ToServer } from '#io/contract/live.ts';
import { problemOf, type Problem } from '#io/contract/problem.ts';
import type { ExecInput } from './exec-input.ts';
import { fromBase64 } from './live-ports.ts';
import type { Keyed } from './live-rows.ts';

export interface ViewOptions {
  readonly where?: Readonly<Record<string, string>>;
  /** A past index: one snapshot, and nothing changes after it. */
  readonly at?: number;
  readonly limit?: number;
}
export interface ViewHandlers<R> {
  /** All rows: at first, and whenever changes cannot be told one by one. */
  snapshot(rows: Keyed<R>, index: number): void;
  change(put: Keyed<R>, del: readonly string[], index: number): void;
  /** Nothing more will come; a problem says why. Who was refused may be let in again (`retryNow`): then it goes on. */
  end?(problem: Problem | undefined): void;
}

export interface LogOptions {
  readonly app: string;
  readonly service?: string;
  readonly tail?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly follow: boolean;
}
export interface LogHandlers {
  /** @param dropped lines that were left out before these because this reader was slow */
  lines(lines: readonly LiveLogLine[], dropped: number): void;
  end?(problem: Problem | undefined): void;
}

export interface ExecOptions {
  readonly app: string;
  readonly service: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly columns?: number;
  readonly rows?: number;
}
export interface ExecHandlers {
  /** The command runs. */
  begun?(): void;
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void;
  exit(code: number): void;
  /** There is room again, after `write` had said to wait. */
  room?(): void;
  /** It will not exit any more: it could not begin, or the connection was lost. */
  end?(problem: Problem | undefined): void;
}

type Frame = Extract<ToClient, { sub: number }>;

/** One subscription. `lost` and `begin` alternate; `take` comes between `begin` and `lost`. */
export interface Followed {
  /** Whether it asks again when the lab cannot serve it now. */
  readonly waits: boolean;
  /** Whether it can go on once a person who was refused is let in again. */
  readonly resumes: boolean;
  /** What to say on a new connection; undefined when there is nothing more to come. */
  begin(sub: number): ToServer | undefined;
  /** It was said. */
  hasBegun?(sub: number): void;
  take(frame: Frame): void;
  /** The connection is gone. @returns true when it cannot go on */
  lost(): boolean;
  /** Ends it from this side, without a word from the server. */
  end(problem: Problem | undefined): void;
}

const isObserved = (view: string): boolean => (observedViews as readonly string[]).includes(view);

export function followView(view: string, options: ViewOptions, handlers: ViewHandlers<unknown>): Followed {
  /** Where the rows stand: what a resume begins after. */
  let stands: { readonly epoch: string; index: number } | undefined;
  let chunks: (readonly [string, unknown])[] = [];
  return {
    waits: true,
    resumes: true,
    begin(sub) {
      const { where, at, limit } = options;
      if (at !== undefined && stands) return undefined;
      // What the nodes observe is in no log: it cannot be told from an index on.
      const resume = stands && !isObserved(view) ? { after: stands.index, epoch: stands.epoch } : {};
      return {
        t: 'open',
        sub,
        view,
        ...(where === undefined ? {} : { where }),
        ...(at === undefined ? {} : { at }),
        ...(limit === undefined ? {} : { limit }),
        ...resume,
      };
    },
    take(frame) {
      if (frame.t === 'snap') {
        chunks.push(...frame.rows);
        if (frame.more) return;
        const rows = chunks;
        chunks = [];
        stands = { epoch: frame.epoch, index: frame.index };
        handlers.snapshot(rows, frame.index);
      } else if (frame.t === 'rows' && stands) {
        stands.index = Math.max(stands.index, frame.index);
        handlers.change(frame.put, frame.del, frame.index);
      } else if (frame.t === 'end') {
        handlers.end?.(frame.problem);
      }
    },
    lost() {
      chunks = [];
      return false;
    },
    end: (problem) => handlers.end?.(problem),
  };
}

/** Lines of one moment may come in two parts, before and after a lost connection: that much is asked for again. */
const overlapMs = 2000;
/** For how long lines are remembered at least: those of different services do not come in the order of their times. */
const memoryMs = 2 * overlapMs;

export function followLogs(options: LogOptions, handlers: LogHandlers): Followed {
  let newest: number | undefined;
  /**
   * Lines that were handed on lately, and how often: the same line may be written twice. In two generations, of which
   * the older is dropped as a whole: nobody looks through them for what is old.
   */
  let recent: Recent = new Map();
  let before: Recent = new Map();
  let since = 0;
  let expected = new Map<string, number>();

  const keyOf = ({ service, at, stream, text }: LiveLogLine): string => JSON.stringify([service, at, stream, text]);

  function isNew(line: LiveLogLine): boolean {
    const key = keyOf(line);
    const left = expected.get(key) ?? 0;
    if (left > 0) {
      expected.set(key, left - 1);
      return false;
    }
    const seen = recent.get(key) ?? before.get(key);
    if (seen) seen.count++;
    else recent.set(key, { at: line.at, count: 1 });
    newest = Math.max(newest ?? line.at, line.at);
    if (newest >= since + memoryMs) [before, recent, since] = [recent, new Map(), newest];
    return true;
  }

  return {
    waits: false,
    resumes: true,
    begin(sub) {
      const { tail, ...rest } = options;
      if (newest === undefined) return { t: 'logs', sub, ...rest, ...(tail === undefined ? {} : { tail }) };
      const from = newest - overlapMs;
      const known = [...before, ...recent].filter(([, { at }]) => at > from);
      expected = new Map(known.map(([key, { count }]) => [key, count]));
      return { t: 'logs', sub, ...rest, since: Math.max(from, options.since ?? from) };
    },
    take(frame) {
      if (frame.t === 'lines') {
        const fresh = frame.lines.filter(isNew);
        if (fresh.length > 0 || frame.dropped) handlers.lines(fresh, frame.dropped ?? 0);
      } else if (frame.t === 'end') {
        handlers.end?.(frame.problem);
      }
    },
    lost: () => false,
    end: (problem) => handlers.end?.(problem),
  };
}

/** Lines by what they say, in the order in which they came. */
type Recent = Map<string, { readonly at: number; count: number }>;

/** @param options as they are when it begins: the window may have been resized before. @param input of the command */
export function followExec(options: () => ExecOptions, handlers: ExecHandlers, input: ExecInput): Followed {
  let isAsked = false;
  return {
    waits: false,
    resumes: false,
    begin(sub) {
      isAsked = true;
      return { t: 'exec', sub, ...options() };
    },
    hasBegun: (sub) => input.open(sub),
    take(frame) {
      if (frame.t === 'begun') handlers.begun?.();
      else if (frame.t === 'took') input.took(frame.bytes);
      else if (frame.t === 'output') handlers.output(frame.stream, fromBase64(frame.data));
      else if (frame.t === 'exit') handlers.exit(frame.code);
      else if (frame.t === 'end') handlers.end?.(frame.problem);
    },
    lost() {
      if (!isAsked) return false;
      handlers.end?.(
        problemOf('TIMED_OUT', `The connection was lost while ${options().command[0] ?? 'the command'} ran.`, {
          hint: 'It may have ended or still run: look before you repeat it.',
        }),
      );
      return true;
    },
    end: (problem) => handlers.end?.(problem),
  };
}
