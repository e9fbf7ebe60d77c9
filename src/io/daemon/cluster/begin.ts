/** Whether a node's log is opened, or begun: once for each incarnation, or it could vote twice. */
import { join } from 'node:path';
import { IoError } from '../../devices/error.ts';
import { isThere, replaceFile, textIfThere } from '../../stores/files.ts';

export const logFolder = (dataDir: string): string => join(dataDir, 'log');
/** What a recovery makes, before it takes the place of the log. */
export const recoveringFolder = (dataDir: string): string => `${logFolder(dataDir)}.recovering`;
export const begunFile = 'incarnation';
const begunPath = (dataDir: string): string => join(dataDir, begunFile);

/** `otherwise`: where opening finds that nothing was ever made; a crash left the folder alone. */
export interface Beginning {
  readonly begins: 'open' | 'found' | 'join';
  readonly otherwise?: 'found' | 'join';
}

/** What is to be opened. @throws IoError INVALID, DAMAGED for what would let a node vote twice, StoreError FAILED */
export async function beginOf(dataDir: string, incarnation: string, wasJoined: boolean): Promise<Beginning> {
  const otherwise = wasJoined ? 'join' : 'found';
  const hasBegunHere = (await textIfThere(begunPath(dataDir)))?.trim() === incarnation;
  if (await isThere(join(logFolder(dataDir), 'raft')))
    return hasBegunHere ? { begins: 'open' } : { begins: 'open', otherwise };
  if (await isThere(recoveringFolder(dataDir))) {
    throw new IoError('INVALID', {
      op: 'open',
      target: logFolder(dataDir),
      message: 'a recovery of this lab was interrupted',
      hint: `Finish it: npm start -- --data ${dataDir} --recover`,
    });
  }
  if (hasBegunHere) {
    throw new IoError('DAMAGED', {
      op: 'open',
      target: logFolder(dataDir),
      message: `the log of this node is gone from ${logFolder(dataDir)}: it has forgotten what it promised the others`,
      hint: 'In a lab of several nodes let the machine begin anew: empty the data directory and join with a token of "floatlab node token --replaces <its name>". A lab of one node: restore the directory from its newest backup.',
    });
  }
  return { begins: otherwise };
}

/** Its log is there: never again is one made for this incarnation. */
export const hasBegun = (dataDir: string, incarnation: string): Promise<void> =>
  replaceFile(begunPath(dataDir), Buffer.from(`${incarnation}\n`), { mode: 0o600 });
