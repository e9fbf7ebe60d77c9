/** Durations as compose writes them (`1m30s`, `500ms`, `1h`) with days and weeks added; stored in milliseconds. */

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** @returns milliseconds, or undefined when the text is not a duration */
export function parseDuration(text: string): number | undefined {
  const part = /(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)/y;
  const trimmed = text.trim();
  let totalMs = 0;
  if (trimmed === '') return undefined;
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed);
    if (!match) return undefined;
    totalMs += Number(match[1]) * (units[match[2] ?? ''] ?? 0);
  }
  return Number.isFinite(totalMs) && totalMs <= Number.MAX_SAFE_INTEGER ? totalMs : undefined;
}

/** @returns the two largest units, for example `3 m 12 s`, `2 d 4 h`, `0.4 s` */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms) / 1000} s`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
