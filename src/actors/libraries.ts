/**
 * The machine libraries that this program can fold by. A lab folds each event by the version that was in force at its
 * index (`cluster.fold-switched`), so that a refold of the whole history gives the same states on every node, whenever
 * it was upgraded.
 *
 * To change what an event folds to: copy the machine that changes, leave the old one as it is, and add a library with
 * the next number here and in `versions.ts`. Every state of a machine has to be one of the next library, too, with a
 * context that makes sense there. The old library stays as long as histories with its events are to be read. What only the
 * new one understands may be decided only where `foldVersionIn` says that it is in force.
 */
import type { LabView } from './actor.ts';
import { clusterStream } from './cluster/stream.ts';
import { machines, type Library } from './machines.ts';
import { foldVersions, rangeWords } from './versions.ts';

/** By version. Tests add later ones, to play a lab that has gone on. */
export const libraries = new Map<number, Library>([[1, machines]]);

/** The lab has gone on to machines that this program does not have. */
export class FoldTooNew extends Error {
  readonly code = 'FOLD_TOO_NEW';
  readonly hint = 'Upgrade FloatLab on this node. The others go on without it, and it catches up by itself.';

  constructor(version: number) {
    super(
      `the lab folds its events by version ${version} of the machines; this program knows ${rangeWords(foldVersions)}`,
    );
    this.name = 'FoldTooNew';
  }
}

/** @throws FoldTooNew */
export function libraryOf(version: number): Library {
  const library = libraries.get(version);
  if (!library) throw new FoldTooNew(version);
  return library;
}

/** By which version the next event of this lab is folded. */
export const foldVersionIn = (lab: Pick<LabView, 'get'>): number => lab.get(clusterStream)?.context.fold.version ?? 1;
