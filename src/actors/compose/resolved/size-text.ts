/** Sizes and durations as exact text: what is read from it is the same number again. */

const sizes: readonly (readonly [string, number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
];
const spans: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** `5GiB`; whole units only, else bytes. */
export const sizeText = (bytes: number): string => exact(bytes, sizes) ?? String(bytes);

/** `90s`, `2h`; whole units only, else milliseconds. */
export const durationText = (ms: number): string => exact(ms, spans) ?? `${ms}ms`;

function exact(value: number, units: readonly (readonly [string, number])[]): string | undefined {
  const unit = units.find(([, size]) => value >= size && value % size === 0);
  return unit && `${value / unit[1]}${unit[0]}`;
}
