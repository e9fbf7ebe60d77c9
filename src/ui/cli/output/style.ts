/** Colours, per stream: only on a terminal, never with NO_COLOR. A colour never says what the words do not. */
import pc from 'picocolors';
import type { Sink, World } from '../world.ts';

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly changing: (text: string) => string;
  readonly bad: (text: string) => string;
  /** One of six colours for a name, always the same one. */
  readonly named: (name: string, text: string) => string;
}

export function styleOf(sink: Sink, env: World['env']): Style {
  const noColor = env['NO_COLOR'];
  const colors = pc.createColors(
    sink.isTTY === true && (noColor === undefined || noColor === '') && env['TERM'] !== 'dumb',
  );
  const names = [colors.cyan, colors.magenta, colors.blue, colors.yellow, colors.green, colors.red];
  return {
    bold: colors.bold,
    dim: colors.dim,
    good: colors.green,
    changing: colors.yellow,
    bad: colors.red,
    named: (name, text) => {
      let sum = 0;
      for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 997;
      return (names[sum % names.length] ?? colors.cyan)(text);
    },
  };
}

const good = new Set(['running', 'ready', 'up', 'available', 'succeeded', 'active', 'healthy', 'completed']);
const bad = new Set(['failed', 'down', 'unhealthy', 'exited', 'critical']);
const off = new Set(['stopped', 'off', 'suspended', 'removed']);

/** A state in its colour; what is neither good, bad nor off is changing. */
export function paintState(style: Style, text: string, state: string): string {
  const word = state.split(/[ ,]/)[0] ?? state;
  if (good.has(word)) return style.good(text);
  if (bad.has(word)) return style.bad(text);
  return off.has(word) ? style.dim(text) : style.changing(text);
}
