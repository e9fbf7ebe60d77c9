/**
 * Saves the lab as this node knows it, as of one entry of its consensus log: everything that was acknowledged before
 * somebody asked is in it (a quorum is asked first), and it is one history, without a gap. Everything is looked at before
 * the first byte leaves: what is damaged here is told, and not handed on.
 */
import { clusterStream } from '#actors/cluster/stream.ts';
import type { LabView } from '#actors/actor.ts';
import { asIndex, type Index } from '#events/envelope.ts';
import { IoError } from '../devices/error.ts';
import { headAfter, unpackApplied } from '../log/raft/engine/applied.ts';
import type { History } from '../log/raft/history/history.ts';
import { startAfter } from '../log/raft/history/manifest.ts';
import { OpenSegment } from '../log/raft/history/open-segment.ts';
import type { BlobStore, LocalBlobs } from '../stores/blobs.ts';
import { StoreError } from '../stores/port.ts';
import { format, type About } from './format.ts';
import { packLab, type Packed } from './pack.ts';

export interface SaveParts {
  readonly lab: {
    readonly view: LabView;
    readIndex(signal: AbortSignal): Promise<unknown>;
    history(after: Index, upTo: Index): AsyncIterable<readonly { readonly at: number }[]>;
  };
  /** That is kept now. */
  history(): History;
  readonly local: LocalBlobs;
  /** Fetches what is not here from other nodes. */
  readonly shared: BlobStore & { sweep(signal: AbortSignal): Promise<number> };
  readonly cluster: { readonly id: string; readonly generation: number };
  /** Name of this node. */
  readonly node: string;
  readonly version: string;
  now(): number;
  sealedKeys(): Promise<Uint8Array | undefined>;
}

export interface Saved extends Packed {
  /** As a file would be called. */
  readonly name: string;
  readonly about: About;
}

/** @throws IoError BUSY, DAMAGED, MISSING; LogError NO_QUORUM; StoreError */
export async function saveLab(parts: SaveParts, signal: AbortSignal): Promise<Saved> {
  const { lab, cluster, shared, local } = parts;
  const sealedKeys = await parts.sealedKeys();
  if (!sealedKeys) throw noSealedKeys();
  await lab.readIndex(signal);
  const history = parts.history();
  if (history.missing().length > 0) throw incomplete(history.missing().length);
  const entry = history.last;
  const { manifest, tail } = await history.at(entry);
  const broken = await history.verify({ signal });
  if (broken) throw damaged(broken.file, broken.explain);
  const { index, term } = await whatStandsAt(history, entry);
  const [last] = (await all(lab.history(asIndex(Math.max(0, index - 1)), asIndex(index)))).slice(-1);
  await shared.sweep(signal);
  const { blobs, lacking } = await whole(lab.view, local, shared, signal);
  const about: About = {
    format,
    version: parts.version,
    lab: cluster.id,
    name: lab.view.get(clusterStream)?.context.metadata.name ?? 'lab',
    generation: cluster.generation,
    index,
    entry,
    term,
    at: last?.at ?? 0,
    savedAt: Math.floor(parts.now()),
    savedBy: parts.node,
    hash: new OpenSegment(startAfter(manifest), tail, entry).sha256,
    lacking,
  };
  const source = history.source(parts.node);
  const packed = packLab({
    about,
    manifest,
    tail,
    segment: (first) => source.read(manifest.segments.find((one) => one.first === first) ?? noSegment(first), 0),
    sealedKeys,
    blobs,
    blob: (ref) => local.sealed(ref),
  });
  return { ...packed, about, name: `${about.name}-${about.index}.floatlab.tar` };
}

/** The last event up to this entry, and the entry's term. */
async function whatStandsAt(
  history: History,
  entry: number,
): Promise<{ readonly index: number; readonly term: number }> {
  for await (const [found] of history.read(entry - 1, entry)) {
    if (!found) continue;
    return { index: headAfter(entry, unpackApplied(entry, found.bytes)), term: found.term };
  }
  throw damaged('the history', `entry ${entry} is not in it`);
}

async function all<T>(slices: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const slice of slices) found.push(...slice);
  return found;
}

/** Every blob that is here and right, and the addresses of those that the lab needs and nobody has. */
async function whole(
  view: LabView,
  local: LocalBlobs,
  shared: BlobStore,
  signal: AbortSignal,
): Promise<{ readonly blobs: { readonly ref: string; readonly sizeBytes: number }[]; readonly lacking: string[] }> {
  const blobs: { readonly ref: string; readonly sizeBytes: number }[] = [];
  const lacking: string[] = [];
  for (const ref of [...new Set([...(await local.list()), ...blobsOf(view)])].toSorted()) {
    signal.throwIfAborted();
    try {
      // A damaged one is mended by fetching it.
      await shared.get(ref);
      blobs.push({ ref, sizeBytes: (await local.sealed(ref)).length });
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'FAILED') throw error;
      lacking.push(ref);
    }
  }
  return { blobs, lacking };
}

/** Addresses that what runs now, or is to run, refers to. */
const blobsOf = (view: LabView): readonly string[] => [
  ...view
    .list('app')
    .flatMap(({ context: { compose, bundle, files } }) => [compose, bundle, ...(files ? [files] : [])]),
  ...view.list('instance').map(({ context }) => context.bundle),
  ...view.list('backup-target').flatMap(({ context: { secrets } }) => secrets ?? []),
  ...Object.values(view.get(clusterStream)?.context.registries ?? {}).map(({ secret }) => secret),
];

const about = (message: string, hint: string) => ({ op: 'save', target: 'the lab', message, hint });

const incomplete = (count: number): IoError =>
  new IoError(
    'BUSY',
    about(
      `this node still fetches its history: ${count} segments of it are missing here`,
      'Try again in a while, or ask another node: floatlab cluster status shows who has everything.',
    ),
  );

const damaged = (file: string, explain: string): IoError =>
  new IoError(
    'DAMAGED',
    about(
      `the history of this node is damaged in ${file}: ${explain}`,
      'Save it on another node (--server), and restart this one: it fetches what is damaged from the others.',
    ),
  );

const noSealedKeys = (): IoError =>
  new IoError(
    'MISSING',
    about(
      'this node has no tls/recovery.sealed: nobody could open what was saved',
      'Save it on another node (--server). This one fetches it from a voter by itself, as soon as one answers.',
    ),
  );

const noSegment = (first: number): never => {
  throw damaged('the history', `the segment from entry ${first} on is gone`);
};
