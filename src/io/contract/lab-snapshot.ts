/**
 * What is said of a file that holds a whole lab (`floatlab cluster snapshot`): by `floatlabd --inspect`, which reads it,
 * to the command line, which shows it.
 */
import * as z from 'zod';

/** A place that is not as it was written. */
const problem = z.object({
  /** Name of the part in the file; empty: the file itself. */
  part: z.string(),
  /** What is wrong with it, as a sentence. */
  explain: z.string(),
});

export const labSnapshotReport = z.object({
  file: z.string(),
  sizeBytes: z.int(),
  /** Every byte is as it was written, and all of it is there. */
  isWhole: z.boolean(),
  problems: z.array(problem),
  /** The rest is absent where the file does not get so far. */
  about: z
    .object({
      /** Of the file, and of the FloatLab that wrote it. */
      format: z.int(),
      version: z.string(),
      /** Id of the lab, and its name. */
      lab: z.string(),
      name: z.string(),
      generation: z.int(),
      /** The last event in it, and the last entry of the consensus log. */
      index: z.int(),
      entry: z.int(),
      /** When that event happened, and when the file was made; milliseconds since 1970. */
      at: z.int(),
      savedAt: z.int(),
      /** Name of the node that made it. */
      savedBy: z.string(),
      /** Head of the hash chain of the history, hex. */
      hash: z.string(),
      /** Addresses of files of people that no node could give any more. */
      lacking: z.array(z.string()),
    })
    .exactOptional(),
  /** As the history in it says. Absent where it is damaged. */
  counts: z.object({ nodes: z.int(), apps: z.int(), volumes: z.int(), blobs: z.int() }).exactOptional(),
});
export type LabSnapshotReport = z.infer<typeof labSnapshotReport>;
