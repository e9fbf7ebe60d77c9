/**
 * What a recovery or a restore has done while no lab ran, kept in a file until it stands in the history of the lab: who
 * said so, what was lost, and which node went on.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { losses, missingNode } from '#events/cluster.ts';
import { nodeRef } from '#events/volume.ts';
import type { Random } from '../../devices/random/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import { replaceFile, textIfThere } from '../../stores/files.ts';

const note = z.object({
  generation: z.int().min(2),
  by: z.string(),
  lost: losses,
  missingNodes: z.array(missingNode),
  survivor: z.object({ node: nodeRef, incarnation: z.string() }),
});
export type RecoveryNote = z.infer<typeof note>;

const pathOf = (dataDir: string): string => join(dataDir, noteFile);
export const noteFile = 'recovery.json';

export const writeRecoveryNote = (dataDir: string, said: RecoveryNote): Promise<void> =>
  replaceFile(pathOf(dataDir), Buffer.from(JSON.stringify(said)), { mode: 0o600 });

/** @returns undefined when there is none @throws StoreError FAILED */
export async function readRecoveryNote(dataDir: string): Promise<RecoveryNote | undefined> {
  const text = await textIfThere(pathOf(dataDir));
  return text === undefined ? undefined : note.safeParse(JSON.parse(text)).data;
}

/** After the start that follows: puts into the history what was done. Tries again at the next start. */
export async function recordRecovery(
  dataDir: string,
  lab: RunningLab,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const text = await textIfThere(pathOf(dataDir));
  if (text === undefined) return;
  const input = note.parse(JSON.parse(text));
  const result = await lab.run({ id: random.id(), name: 'record-recovery', input, by: 'system:recovery' }, signal);
  if ('rejected' in result) throw new Error(result.rejected.explain);
  await rm(pathOf(dataDir));
}
