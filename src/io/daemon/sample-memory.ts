/**
 * `sample.json` in the data directory: what became of the welcome app. The first start decides whether there shall be
 * one; a start that was cut off before it was deployed is made up for, and a lab that did without it stays without.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asIoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';

const states = ['wanted', 'declined', 'deployed'] as const;
type Sample = (typeof states)[number];

const pathOf = (dataDir: string): string => join(dataDir, 'sample.json');

/** Before the lab is made. @returns whether this start is to deploy it */
export async function isSampleDue(
  dataDir: string,
  { isFirst, wanted }: { readonly isFirst: boolean; readonly wanted: boolean },
): Promise<boolean> {
  const known = await read(dataDir);
  if (known === undefined ? !isFirst : known !== 'wanted') return false;
  await write(dataDir, wanted ? 'wanted' : 'declined');
  return wanted;
}

export const sampleWasDeployed = (dataDir: string): Promise<void> => write(dataDir, 'deployed');

/** Whether its image must be there. */
export const hasSample = async (dataDir: string): Promise<boolean> => (await read(dataDir)) === 'deployed';

/** A file that nobody can read says nothing: the welcome app is not worth a start that fails. */
async function read(dataDir: string): Promise<Sample | undefined> {
  const text = await readFile(pathOf(dataDir), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return states.find((state) => text.includes(`"${state}"`)) ?? 'declined';
}

async function write(dataDir: string, sample: Sample): Promise<void> {
  try {
    await replaceFile(pathOf(dataDir), Buffer.from(`${JSON.stringify({ sample })}\n`), { mode: 0o600 });
  } catch (error) {
    throw asIoError(error, 'write', pathOf(dataDir));
  }
}
