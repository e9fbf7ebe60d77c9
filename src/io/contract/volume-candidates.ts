/** What lies in a pool of a node and could become a volume where it is, as it is at this moment. */
import * as z from 'zod';

const volumeCandidate = z.object({
  /** What its file system calls it: what `adopt-volume` is given. */
  native: z.string().max(4096),
  /** Where its files are; null where it has no place. */
  path: z.string().max(4096).nullable(),
  /** What its files take; null where nobody has counted. */
  usedBytes: z.int().min(0).nullable(),
  /** Why it cannot be adopted as it is, for a person; null when it can. */
  why: z.string().max(2000).nullable(),
});
export type VolumeCandidateRow = z.infer<typeof volumeCandidate>;

/** More than a person would choose from. */
export const mostVolumeCandidates = 2000;

export const volumeCandidatesAnswer = z.object({
  items: z.array(volumeCandidate).max(mostVolumeCandidates),
  /** There are more. */
  truncated: z.boolean(),
});
export type VolumeCandidatesAnswer = z.infer<typeof volumeCandidatesAnswer>;
