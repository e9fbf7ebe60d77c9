/**
 * Names become paths and arguments, so every driver checks them again, whoever called: nothing that passes can be an
 * option, a way out of a folder, or a name that looks like another.
 */
import { IoError } from '../error.ts';
import type { Dataset } from './port.ts';

const datasetName = /^[a-z0-9][a-z0-9-]{0,63}$/;
const snapshotName = /^[a-z0-9][a-z0-9.-]{0,127}$/;

export const isDatasetName = (name: string): boolean => datasetName.test(name);
export const isSnapshotName = (name: string): boolean => snapshotName.test(name);

/** For messages: `pool/name`. */
export const describe = (of: Dataset): string => `${of.pool}/${of.name}`;

/** @throws IoError INVALID */
export function checkDatasetName(op: string, of: Dataset): void {
  if (typeof of.name === 'string' && isDatasetName(of.name)) return;
  throw invalid(op, of.name, 'is not a name of a dataset', 'Use 1 to 64 of a–z, 0–9 and "-", not beginning with "-".');
}

/** @throws IoError INVALID */
export function checkSnapshotName(op: string, name: string): void {
  if (typeof name === 'string' && isSnapshotName(name)) return;
  const hint = 'Use 1 to 128 of a–z, 0–9, "." and "-", beginning with a letter or a digit.';
  throw invalid(op, name, 'is not a name of a snapshot', hint);
}

/** @throws IoError INVALID */
export function checkSize(op: string, of: Dataset, sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0) return;
  throw invalid(op, String(sizeBytes), `is not a size for ${describe(of)}`, 'Give a whole number of bytes above 0.');
}

/** @throws IoError INVALID when they are not all of one pool */
export function checkSamePool(op: string, datasets: readonly Dataset[]): void {
  const [first] = datasets;
  const other = datasets.find(({ pool }) => pool !== first?.pool);
  if (!first || !other) return;
  const what = `is in another pool than ${describe(first)}`;
  throw invalid(op, describe(other), what, 'Choose datasets of one pool.');
}

function invalid(op: string, name: unknown, what: string, hint: string): IoError {
  const shown = JSON.stringify(String(name).slice(0, 200));
  return new IoError('INVALID', { op, target: shown, message: `${shown} ${what}`, hint });
}
