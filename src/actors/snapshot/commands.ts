import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { seenChange, snapshotFact } from '#events/snapshot.ts';
import { nodeRef, snapshotRef, volumeRef } from '#events/volume.ts';
import * as z from 'zod';
import { target, visit } from '../drafting.ts';

/** A report must fit into one entry of the log. */
export const mostInReport = 500;

const report = { snapshot: snapshotRef, visit };

export const snapshotCommands = {
  'take-snapshot': z.strictObject({
    ...target,
    /** Name of the snapshot; made from the time when it is left out. */
    as: name.exactOptional(),
    note: z.string().max(500).exactOptional(),
  }),
  /** Of all volumes of an app, as a set. */
  'take-app-snapshot': z.strictObject({
    ...target,
    as: name.exactOptional(),
    note: z.string().max(500).exactOptional(),
  }),
  /** A node has seen that these changed and settled. */
  'request-change-snapshots': z.strictObject({
    node: nodeRef,
    volumes: z
      .array(seenChange.extend({ volume: volumeRef }))
      .min(1)
      .max(1000),
  }),
  /** Another note, or none. */
  'note-snapshot': z.strictObject({ ...target, snapshot: name, note: z.string().max(500).nullable() }),
  'remove-snapshot': z.strictObject({ ...target, snapshot: name }),
  'prune-snapshots': z.strictObject({
    volume: volumeRef,
    snapshots: z
      .array(z.strictObject({ snapshot: snapshotRef, because: z.string().max(500) }))
      .min(1)
      .max(1000),
  }),
  /** Held until now, and by now nobody wants them gone any more. */
  'withdraw-removals': z.strictObject({
    volume: volumeRef,
    snapshots: z.array(snapshotRef).min(1).max(1000),
  }),
  'report-snapshot-taken': snapshotFact.extend(report),
  'report-snapshot-failed': z.strictObject({ ...report, problem }),
  'report-snapshot-removed': z.strictObject(report),
  /** It could not be removed, because something else holds it. */
  'report-snapshot-held': z.strictObject({ ...report, problem }),
  /** Several at once; what has moved on meanwhile is left out. */
  'report-snapshots-taken': z.strictObject({
    node: nodeRef,
    snapshots: z.array(snapshotFact.extend(report)).min(1).max(mostInReport),
  }),
  'report-snapshots-removed': z.strictObject({
    node: nodeRef,
    snapshots: z.array(z.strictObject(report)).min(1).max(mostInReport),
  }),
};
