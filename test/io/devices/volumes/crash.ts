/** A daemon that dies at a step of its work: the hook throws, and whoever goes on is another port. */
import { expect } from 'vitest';
import type { BtrfsVolumesOptions } from '#io/devices/volumes/btrfs/real.ts';

export class Crash extends Error {}

export const dyingAt = (fatal: string): Pick<BtrfsVolumesOptions, 'step'> => ({
  step: (step) => {
    if (step === fatal) throw new Crash(step);
  },
});

/** The call must end by the crash, and by nothing else. */
export async function dies(call: Promise<unknown>): Promise<void> {
  expect(await call.catch((error: unknown) => error)).toMatchObject({ cause: expect.any(Crash) });
}
