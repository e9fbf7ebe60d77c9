/** `--on-change`: `yes`, `no`, or the spans that differ from the usual ones: `settle=10s,every=1h`. */
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import {
  defaultOnChange,
  intervalLimitsMs,
  settleLimitsMs,
  type SnapshotOnChange,
} from '#events/values/snapshotting.ts';
import { usageError } from './errors.ts';

export const onChangeHelp = 'snapshot it when it changes: yes, no, or settle=30s,every=5m';

/** @returns null: not any more. @throws CliError */
export function onChangeOf(text: string): SnapshotOnChange | null {
  if (text === 'no') return null;
  if (text === 'yes') return defaultOnChange;
  let wanted = defaultOnChange;
  for (const part of text.split(',')) {
    const [, key, span = ''] = /^(settle|every)=(.+)$/.exec(part.trim()) ?? [];
    if (key === undefined)
      throw usageError(`--on-change ${text} cannot be read.`, 'Write yes, no, or settle=30s,every=5m.');
    if (key === 'settle') wanted = { ...wanted, settleMs: spanOf(span, settleLimitsMs) };
    else wanted = { ...wanted, minIntervalMs: spanOf(span, intervalLimitsMs) };
  }
  return wanted;
}

function spanOf(text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= min && ms <= max) return Math.round(ms);
  throw usageError(
    `--on-change: ${text} is not a span from ${formatDuration(min)} to ${formatDuration(max)}.`,
    'Write for example 30s, 5m or 1h.',
  );
}

/** `at most every 5 m, settled for 30 s`. */
export const onChangeWords = ({ settleMs, minIntervalMs }: SnapshotOnChange): string =>
  `at most every ${formatDuration(minIntervalMs)}, settled for ${formatDuration(settleMs)}`;
