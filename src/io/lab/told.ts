/**
 * What another node tells of what it observes: read strictly, and believed only of what is that node's own. Whoever runs
 * a volume or an instance is said by the history, of which the reader may have folded less than the teller, or more: so
 * what is not to be believed now may be so soon.
 */
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { workOf } from '#actors/registry.ts';
import { idOf, kindOf, kinds, streamOf, type StreamId } from '#events/envelope.ts';
import { observedViews, type ObservedView } from '#io/contract/live.ts';

/** In one message; a node has far fewer. */
const maxRows = 20_000;
const maxTextChars = 1000;

const id = z.string().min(1).max(512);
const figure = z.number().min(0);
const usageRow = z.object({
  at: figure,
  cpu: figure.exactOptional(),
  memoryBytes: figure.exactOptional(),
  memoryTotalBytes: figure.exactOptional(),
  load1: figure.exactOptional(),
  usedBytes: figure.exactOptional(),
  sizeBytes: figure.exactOptional(),
});
const workRow = z.object({
  work: z.string().max(64),
  subject: id,
  node: id,
  app: id.nullable(),
  correlation: id,
  state: z.enum(['working', 'waiting', 'reporting']),
  attempt: z.int().min(0),
  since: figure,
  // An error of an engine may be long; for a line on a screen its beginning is enough.
  text: z.string().transform((text) => text.slice(0, maxTextChars)),
  done: figure.exactOptional(),
  total: figure.exactOptional(),
});

const followingRow = z.object({
  source: id.nullable(),
  behind: z.int().min(0),
  isFetching: z.boolean(),
});
const text = z.string().max(maxTextChars);
const poolFiguresRow = z.object({
  at: figure,
  state: text,
  usedBytes: figure.exactOptional(),
  sizeBytes: figure.exactOptional(),
  scan: z
    .object({
      kind: z.enum(['scrub', 'error-scrub', 'resilver']),
      state: text,
      startedAt: figure.exactOptional(),
      done: figure.exactOptional(),
      leftMs: figure.exactOptional(),
    })
    .exactOptional(),
  devices: z
    .array(
      z.object({
        name: text,
        state: text,
        errors: z.object({ reads: figure, writes: figure, checksums: figure }).exactOptional(),
        note: text.exactOptional(),
        temperature: z.number().exactOptional(),
        powerOnHours: figure.exactOptional(),
        wear: figure.exactOptional(),
      }),
    )
    .max(256),
});
const replicaLagRow = z.object({
  at: figure,
  snapshot: id.nullable(),
  lossMs: figure.exactOptional(),
  bytes: figure.exactOptional(),
});
const rowOf: Readonly<Record<ObservedView, z.ZodType<object>>> = {
  usage: usageRow,
  work: workRow,
  following: followingRow,
  'pool-figures': poolFiguresRow,
  'replica-lag': replicaLagRow,
};

const message = z.object({
  /** What was told before is over. */
  whole: z.boolean(),
  rows: z.array(z.tuple([z.string(), id, z.unknown()])).max(maxRows),
  watched: z.array(z.string()).max(64),
});

export type ToldRow = readonly [view: ObservedView, key: string, row: object | null];

export interface Told {
  readonly whole: boolean;
  readonly rows: readonly ToldRow[];
  readonly watched: readonly ObservedView[];
}

/** A row that cannot be read is passed over, and so are views of another version. @throws ZodError */
export function readTold(said: unknown): Told {
  const { whole, rows, watched } = message.parse(said);
  return { whole, rows: rows.flatMap(readRow), watched: observedViews.filter((view) => watched.includes(view)) };
}

function readRow([view, key, row]: readonly [view: string, key: string, row: unknown]): readonly ToldRow[] {
  if (!isView(view)) return [];
  if (row === null) return [[view, key, null]];
  const read = rowOf[view].safeParse(row);
  if (!read.success) return [];
  if ('subject' in read.data && read.data.subject !== key) return [];
  return [[view, key, read.data]];
}

const isView = (view: string): view is ObservedView => (observedViews as readonly string[]).includes(view);

/** Whether a row is about something of the node that told it, as far as this copy of the history goes. */
export function isOwn([view, key, row]: ToldRow, from: string, lab: LabView): boolean {
  const node = streamOf('node', from);
  if (view === 'work') {
    const actor = isStream(key) ? lab.get(key) : undefined;
    return (
      actor !== undefined && (row as { node?: unknown } | null)?.node === node && workOf(actor, lab)?.node === node
    );
  }
  if (view === 'following') return key === node;
  if (view === 'replica-lag') return lab.get(streamOf('replica', idOf(key as StreamId)))?.context.node === node;
  const [kind, owner = ''] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1).split('/')[0]];
  switch (kind) {
    case 'node':
      return key === node;
    case 'pool':
      return owner === from;
    case 'volume':
      return lab.get(streamOf('volume', idOf(key as StreamId)))?.context.node === node;
    case 'service':
      return lab.referrers(streamOf('app', owner), 'instance').some(({ context }) => context.node === node);
    default:
      return false;
  }
}

const isStream = (key: string): key is StreamId =>
  key.includes(':') && (kinds as readonly string[]).includes(kindOf(key as StreamId));
