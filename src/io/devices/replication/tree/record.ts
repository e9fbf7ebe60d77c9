/**
 * What a pool remembers of a dataset whose replica is kept file by file. A replica is a dataset of the port of volumes
 * like any other, and only what is written here makes it one: so one write decides that it becomes a volume, or a
 * replica again.
 */
import * as z from 'zod';
import { IoError } from '../../error.ts';
import { markerSchema, noMarker } from '../marker.ts';

const recordSchema = z.strictObject({
  marker: markerSchema,
  /** What the dataset of this name is, if there is one. */
  role: z.enum(['volume', 'replica']),
  /** Snapshots that were received: by which guid everybody knows them, and by which the file system does. */
  copies: z.array(z.strictObject({ guid: z.string(), local: z.string() })),
});
export type ReplicaRecord = z.infer<typeof recordSchema>;

export const noRecord: ReplicaRecord = { marker: noMarker, role: 'volume', copies: [] };

/**
 * While there is one, the files of a replica may be something else than its newest snapshot. It is a text of its own:
 * a stream writes it while others decide, and no seal may be lost between the two.
 */
const workSchema = z.strictObject({
  /** Of the snapshot that they become; null when they were changed for another reason. */
  guid: z.string().nullable(),
  /** They are that, and it has been proven. */
  isWhole: z.boolean(),
  /**
   * A whole stream did not come out as it was sent: somebody else has written to them. They stay as they are until it is
   * decided what becomes of that.
   */
  isForeign: z.boolean().optional(),
  /** Under this name they are put aside when they are given up. Another one each time. */
  stash: z.string(),
});
export type Work = z.infer<typeof workSchema>;

export const recordKey = (name: string): string => `${name}.json`;
export const workKey = (name: string): string => `${name}.work.json`;
/** @returns undefined for what is no key of a record */
export const nameOfRecord = (key: string): string | undefined => /^([^.]+)\.json$/.exec(key)?.[1];

export const written = (value: ReplicaRecord | Work): string => JSON.stringify(value);
/** @throws IoError DAMAGED */
export const parseRecord = (text: string, place: string): ReplicaRecord => parse(recordSchema, text, place);
/** @throws IoError DAMAGED */
export const parseWork = (text: string, place: string): Work => parse(workSchema, text, place);

function parse<T>(schema: z.ZodType<T>, text: string, place: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'find the replica',
      target: place,
      message: `${place} does not say what the dataset is: ${JSON.stringify(text.slice(0, 100))}`,
      hint: 'Without it nobody knows whether an old primary may write: restore it, or remove both it and the replica.',
      cause,
    });
  }
}
