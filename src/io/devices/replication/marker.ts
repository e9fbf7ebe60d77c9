/**
 * What a pool remembers of a dataset beside the dataset itself: who may change it, whose history it has, who needs which
 * of its snapshots, and what was begun and not finished. It is there before the dataset is, and stays when that goes: a
 * seal must hold also where the replica was discarded.
 *
 * Written whole, before what it announces, and read before every call. On zfs it is a user property, on btrfs a file.
 */
import * as z from 'zod';
import { IoError } from '../error.ts';

const epochSchema = z.strictObject({ generation: z.int().min(0), index: z.int().min(0) });

const wantedSchema = z.strictObject({
  from: z.string().optional(),
  to: z.strictObject({ name: z.string(), guid: z.string() }),
  /** Not said where the pool knows only one. */
  format: z.enum(['zfs', 'btrfs', 'tree']).optional(),
});

const pendingSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('promote') }),
  z.strictObject({ do: z.literal('demote'), final: z.string() }),
  z.strictObject({ do: z.literal('set-aside'), common: z.string(), as: z.string() }),
]);
export type Pending = z.infer<typeof pendingSchema>;

export const markerSchema = z.strictObject({
  epoch: epochSchema,
  /** Null until somebody has told. */
  lineage: z.string().nullable(),
  /** The stream that was begun last; null when nothing of it can be left. */
  incoming: wantedSchema.nullable(),
  pending: pendingSchema.nullable(),
  /** Where the file system has no holds. */
  holds: z.array(z.strictObject({ guid: z.string(), peer: z.string() })),
});
export type Marker = z.infer<typeof markerSchema>;

/** Of a dataset that nobody has said anything about. */
export const noMarker: Marker = {
  epoch: { generation: 0, index: 0 },
  lineage: null,
  incoming: null,
  pending: null,
  holds: [],
};

/** Unchanged when this peer has them all. */
export function withHolds({ holds }: Marker, bases: readonly { readonly guid: string }[], peer: string) {
  const fresh = bases.filter(({ guid }) => !holds.some((hold) => hold.guid === guid && hold.peer === peer));
  return fresh.length === 0 ? holds : [...holds, ...fresh.map(({ guid }) => ({ guid, peer }))];
}

export const writtenMarker = (marker: Marker): string => JSON.stringify(marker);

/** @param place where it was read, for the message @throws IoError DAMAGED */
export function parseMarker(text: string, place: string): Marker {
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'find the replica',
      target: place,
      message: `${place} does not say which epoch it is of: ${JSON.stringify(text.slice(0, 100))}`,
      hint: 'Without it nobody knows whether an old primary may write: restore it, or remove both it and the replica.',
      cause,
    });
  }
}
