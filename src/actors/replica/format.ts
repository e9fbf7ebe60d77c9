/** By what kind of stream a volume can be kept elsewhere. The one place that decides it, for placing and for sending. */

/** As pools and streams name what made them: a plain folder has no streams of its own. */
type Driver = string;

export type StreamChoice = { readonly stream: 'native' } | { readonly refused: string; readonly hint: string };

/** @param from what the volume is on @param to what its replica is on, or would be */
export function streamBetween(from: Driver, to: Driver): StreamChoice {
  const hint = 'Give both nodes a pool of the same kind, btrfs or zfs: floatlab pool ls shows what there is.';
  for (const driver of [from, to])
    if (driver !== 'btrfs' && driver !== 'zfs') return { refused: `${nameOf(driver)} has no streams of its own`, hint };
  if (from === to) return { stream: 'native' };
  return { refused: `what is on ${from} cannot be followed on ${to}`, hint };
}

const nameOf = (driver: Driver): string => (driver === 'dir' ? 'a plain folder' : driver);
