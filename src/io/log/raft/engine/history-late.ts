/** What the history waits for: its disk, and no longer than anybody waits for a disk. */
import type { Clock, Timer } from '../../../devices/clock/port.ts';
import { LogError } from '../../port.ts';

/** When the history is not written. */
export interface HistoryLate {
  /** After so long a leader tests its disk: where it hangs it has to leave its office, and may have no other reason to write. */
  readonly testMs: number;
  /** After so long the disk is given up, and the process with it. */
  readonly hangsMs: number;
}

/** @param test of the disk, when it is late @throws LogError BROKEN */
export async function unlessLate(
  writing: Promise<void>,
  { testMs, hangsMs }: HistoryLate,
  clock: Clock,
  test: () => void,
): Promise<void> {
  const testing = clock.setTimeout(test, testMs);
  let giveUp: Timer | undefined;
  const hanging = new Promise<never>((_, reject) => {
    giveUp = clock.setTimeout(() => reject(hangs(hangsMs)), hangsMs);
  });
  try {
    await Promise.race([writing, hanging]);
  } finally {
    clock.clearTimeout(testing);
    if (giveUp) clock.clearTimeout(giveUp);
  }
}

const hangs = (ms: number): LogError =>
  new LogError(
    'BROKEN',
    `the disk of the history has not answered for ${Math.round(ms / 1000)} s`,
    'Look at the disk (dmesg, SMART); FloatLab reads what is really there when it starts again.',
  );
