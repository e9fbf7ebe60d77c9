/** What a dataset shall be, checked once more by every driver: what passes can be an argument of its tools. */
import { IoError } from '../error.ts';
import { checkSize, describe } from './names.ts';
import type { Compression, Dataset, DatasetSpec } from './port.ts';

/** The largest id of a user or group; the one above it means "leave it". */
const maxId = 2 ** 32 - 2;

/** @throws IoError INVALID */
export function checkSpec(op: string, of: Dataset, spec: DatasetSpec): void {
  const { sizeBytes, owner, mode, recordSizeBytes } = spec;
  checkSize(op, of, sizeBytes);
  if (owner !== undefined && !(isBelow(owner.uid, maxId) && isBelow(owner.gid, maxId)))
    throw invalid(op, of, `${owner.uid}:${owner.gid} is no owner`, `Give the numbers of a user and a group.`);
  if (mode !== undefined && !isBelow(mode, 0o7777))
    throw invalid(op, of, `${mode} is no mode`, 'Give permission bits, from 0 to octal 7777.');
  if (recordSizeBytes !== undefined && !(recordSizeBytes > 0 && Number.isInteger(Math.log2(recordSizeBytes))))
    throw invalid(op, of, `${recordSizeBytes} is no size of a record`, 'Give a power of two.');
}

/** @param has what the pool can @throws IoError UNSUPPORTED */
export function checkCompression(
  op: string,
  of: Dataset,
  { compression }: DatasetSpec,
  has: readonly Compression[],
): void {
  if (compression === undefined || has.includes(compression)) return;
  throw new IoError('UNSUPPORTED', {
    op,
    target: describe(of),
    message: `the pool ${of.pool} has no compression ${JSON.stringify(compression)}`,
    hint: has.length === 0 ? 'Leave the compression out.' : `It has: ${has.join(', ')}.`,
  });
}

const isBelow = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;

const invalid = (op: string, of: Dataset, what: string, hint: string): IoError =>
  new IoError('INVALID', { op, target: describe(of), message: `${what} for ${describe(of)}`, hint });
