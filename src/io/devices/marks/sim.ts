/** Marks of the folders of simulated pools; nobody watches there. */
import { IoError } from '../error.ts';
import type { SimVolumes } from '../volumes/sim.ts';
import { markOf } from '../volumes/sim/pools.ts';
import type { MarksPort } from './port.ts';

export const simMarks = (volumes: Pick<SimVolumes, 'filesAt' | 'snapshotFilesAt'>): MarksPort => ({
  walk: async (path) => {
    const files = volumes.filesAt(path) ?? volumes.snapshotFilesAt(path);
    if (files) return { mark: markOf(files), folders: [] };
    throw new IoError('MISSING', { op: 'walk', target: path, message: `there is no folder ${path}` });
  },
  watch: () => () => {},
});
