/** What comes from another machine becomes arguments, properties and names here, so it is checked once more. */
import { IoError } from '../error.ts';
import type { Epoch } from './port.ts';

const label = /^[a-z0-9][a-z0-9-]{0,63}$/;
const forms = {
  'name of a peer': label,
  'name of a lineage': label,
  /** Of zfs a number of 64 bits, of btrfs a uuid. */
  'guid of a snapshot': /^[0-9a-f][0-9a-f-]{0,63}$/,
  'resume token': /^[0-9a-f-]{1,16384}$/,
} as const;

/** @throws IoError INVALID */
export function checkForm(op: string, what: keyof typeof forms, value: string): void {
  if (typeof value === 'string' && forms[what].test(value)) return;
  const shown = JSON.stringify(String(value).slice(0, 200));
  throw new IoError('INVALID', {
    op,
    target: shown,
    message: `${shown} is not a ${what}`,
    hint: what.startsWith('name')
      ? 'Use 1 to 64 of a–z, 0–9 and "-", not beginning with "-".'
      : 'Ask the sender for it.',
  });
}

/** @throws IoError INVALID */
export function checkEpoch(op: string, { generation, index }: Epoch): void {
  if ([generation, index].every((number) => Number.isSafeInteger(number) && number >= 0)) return;
  throw new IoError('INVALID', {
    op,
    target: `${generation}.${index}`,
    message: `${generation}.${index} is not an epoch`,
    hint: 'Give two whole numbers that are not below 0.',
  });
}

/** Below 0 when the first is the older one. */
export const compareEpochs = (a: Epoch, b: Epoch): number => a.generation - b.generation || a.index - b.index;

export const describeEpoch = ({ generation, index }: Epoch): string => `${generation}.${index}`;
