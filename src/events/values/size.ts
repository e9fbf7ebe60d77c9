/**
 * Sizes in bytes, as people write them: `5GiB`, `512 MB`, `10g`, `1073741824`.
 * Units are binary with and without the `i`, as docker and compose read them (`1k` = 1024).
 */
import * as z from 'zod';

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** @returns the size in bytes, or undefined when the text is not a size that fits a safe integer */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?\s*$/i.exec(text);
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** @returns for example `1.5 GiB`: binary units, three significant digits */
export function formatSize(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${names[unit]}`;
}

export const minVolumeBytes = 16 * 2 ** 20;
export const maxVolumeBytes = 2 ** 50;

export const volumeSize = z
  .int()
  .min(minVolumeBytes, `a volume has at least ${formatSize(minVolumeBytes)}`)
  .max(maxVolumeBytes, `a volume has at most ${formatSize(maxVolumeBytes)}`);
