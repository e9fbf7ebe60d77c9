/** What is in a lab's snapshot, and whether all of it is right: for a person, before anything is done with it. */
import type { LabSnapshotReport } from '#io/contract/lab-snapshot.ts';
import { readSnapshot, type Found } from './read.ts';

/** @throws IoError for what is no such file, or of a later format; LogError TOO_NEW */
export const inspectSnapshot = async (path: string): Promise<LabSnapshotReport> =>
  reportOf(path, await readSnapshot(path));

function reportOf(file: string, { sizeBytes, about, lab, blobs, problems }: Found): LabSnapshotReport {
  return {
    file,
    sizeBytes,
    isWhole: problems.length === 0,
    problems: problems.map(({ part, explain }) => ({ part, explain })),
    ...(about ? { about: aboutOf(about) } : {}),
    ...(lab
      ? {
          counts: {
            nodes: lab.list('node').filter(({ state }) => state !== 'waiting').length,
            apps: lab.list('app').length,
            volumes: lab.list('volume').length,
            blobs: blobs.length,
          },
        }
      : {}),
  };
}

const aboutOf = ({ term: _, ...about }: NonNullable<Found['about']>): NonNullable<LabSnapshotReport['about']> => about;
