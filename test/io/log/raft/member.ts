/**
 * What a member of a group may ask of its storage, and what it then knows to be stored: a model of `LevelRaftStorage`
 * that is too simple to be wrong. Steps are numbers, so that fast-check can shrink a story.
 */
import { configurationOf, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, noBytes, type Entry, type HardState, type PeerId, type SnapshotMeta } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { Watermark } from '#events/raft/state.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Identity, RaftStorage, SnapshotPointer } from '#io/log/raft/storage.ts';

const peers = ['a', 'b', 'c'].map(asPeer);
export const firstConfiguration = configurationOf(peers);
export const identity: Identity = { cluster: 'lab', generation: 1, node: 'attic', incarnation: 'attic-1' };

/** What is known to be stored. */
export interface Known {
  readonly hardState: HardState;
  readonly start: SnapshotMeta;
  readonly pointer: SnapshotPointer | undefined;
  /** Every entry of the log as it is, by index, with those that were forgotten. Without what a leader's snapshot skipped. */
  readonly entries: ReadonlyMap<number, Entry>;
  readonly last: { readonly index: number; readonly term: number };
  readonly suspicion: Watermark | undefined;
}

/** Of a new member of a new group. */
export const nothing: Known = {
  hardState: { term: 1, vote: undefined, commit: 1 },
  start: { index: 1, term: 1, configuration: firstConfiguration },
  pointer: undefined,
  entries: new Map(),
  last: { index: 1, term: 1 },
  suspicion: undefined,
};

export const stepNames = [
  'append',
  'append',
  'append',
  'vote',
  'term',
  'replace',
  'commit',
  'install',
  'made',
  'compact',
  'suspect',
  'clear',
  'twice',
] as const;

export interface Step {
  readonly what: (typeof stepNames)[number];
  readonly a: number;
  readonly b: number;
}

/** A reproducible one. */
export function storyOf(seed: number, length: number): readonly Step[] {
  const random = seededRandom(seed);
  return Array.from({ length }, () => ({ what: random.pick(stepNames), a: random.below(1000), b: random.below(1000) }));
}

/** What is stored after all these steps. */
export const knownAfter = (story: readonly Step[]): Known =>
  story.reduce((known, step) => deedOf(known, step)?.next ?? known, nothing);

/** What a step asks of the storage, and what is known when it is done. */
export interface Deed {
  readonly next: Known;
  readonly run: (storage: RaftStorage) => Promise<void>;
}

/** @returns undefined when the step makes no sense here */
export function deedOf(known: Known, step: Step): Deed | undefined {
  const { a, b } = step;
  const { hardState, last, start } = known;
  const { term } = hardState;
  switch (step.what) {
    // Nobody leads in term 1.
    case 'append':
      return term === 1 ? undefined : storing(known, [{ entries: entriesAt(last, term, 1 + (a % 4)) }]);
    case 'vote':
      return hardState.vote === undefined || a % 2 === 0
        ? storing(known, [
            { hardState: { ...hardState, term: hardState.vote === undefined ? term : term + 1, vote: peerOf(b) } },
          ])
        : undefined;
    case 'term':
      return storing(known, [{ hardState: { ...hardState, term: term + 1, vote: undefined } }]);
    case 'replace': {
      const floor = Math.max(hardState.commit, start.index);
      if (last.index <= floor) return undefined;
      const at = floor + 1 + (a % (last.index - floor));
      const before = at - 1 === start.index ? start : known.entries.get(at - 1);
      if (!before) return undefined;
      // The leader of the term that this member is in already, or of the next.
      const newTerm = term > last.term ? term : term + 1;
      const vote = newTerm === term ? hardState.vote : undefined;
      // From an older term than what stood there, or from the new one.
      const old = known.entries.get(at)?.term ?? 0;
      const entryTerm = b % 2 === 0 && before.term > 0 && before.term < old ? before.term : newTerm;
      const entries = entriesAt({ index: at - 1, term: before.term }, entryTerm, 1 + (b % 3));
      return storing(known, [{ hardState: { term: newTerm, vote, commit: hardState.commit }, entries }]);
    }
    case 'commit': {
      const commit = Math.min(last.index, hardState.commit + 1 + (a % 3));
      return storing(known, [{ hardState: { ...hardState, commit } }]);
    }
    case 'install': {
      const index = Math.max(hardState.commit, start.index) + 1 + (a % 5);
      const newTerm = term + 1;
      const meta = { index, term: newTerm, configuration: configurationAt(b) };
      const entries = b % 3 === 0 ? entriesAt(meta, newTerm, 2) : [];
      return storing(known, [
        { snapshot: meta, hardState: { term: newTerm, vote: undefined, commit: index }, entries },
      ]);
    }
    case 'made': {
      const index = Math.min(hardState.commit, last.index);
      const at = known.entries.get(index);
      if (!at || index <= start.index) return undefined;
      const pointer = pointerTo({ index, term: at.term, configuration: configurationAt(b) });
      return {
        next: { ...known, start: pointer.meta, pointer },
        run: (storage) => storage.snapshotMade(pointer),
      };
    }
    case 'compact': {
      const upTo = start.index - (a % 3);
      return upTo < 1 ? undefined : { next: known, run: (storage) => storage.compact(upTo) };
    }
    case 'suspect': {
      if (known.suspicion) return undefined;
      const suspicion = { term, lastIndex: last.index + 1 + (a % 3), lastTerm: last.term };
      return storing(known, [{ suspicion }]);
    }
    case 'clear':
      return known.suspicion ? storing(known, [{ suspicion: 'cleared' }]) : undefined;
    case 'twice': {
      if (term === 1) return undefined;
      const first = entriesAt(last, term, 1 + (a % 3));
      const again = entriesAt({ index: last.index, term: last.term }, term + 1, 1 + (b % 2));
      const later = { term: term + 1, vote: undefined, commit: hardState.commit };
      return storing(known, [{ entries: first }, { hardState: later, entries: again }]);
    }
  }
}

/** A step that brings the log of a suspect to where the group is. */
export function rebuilt(known: Known, term: number): Deed {
  const hardState = { term, vote: undefined, commit: known.last.index };
  return storing(known, [{ hardState, entries: entriesAt(known.last, term, 3), suspicion: 'cleared' }]);
}

/** The same job by job, as it comes from a leader: its term, its entries, and trust. */
export const rebuiltSlowly: readonly ((known: Known, term: number) => Deed)[] = [
  (known, term) => storing(known, [{ hardState: { ...known.hardState, term, vote: undefined } }]),
  (known, term) => storing(known, [{ entries: entriesAt(known.last, term, 3) }]),
  (known, term) =>
    storing(known, [{ hardState: { term, vote: undefined, commit: known.last.index }, suspicion: 'cleared' }]),
];

export function storing(known: Known, parts: readonly Partial<StoreJob>[]): Deed {
  const { jobs, next } = jobsOf(known, parts);
  return {
    next,
    run: (storage) => {
      for (const { snapshot } of jobs) if (snapshot) storage.snapshotArrived(pointerTo(snapshot));
      return storage.store(jobs);
    },
  };
}

export function jobsOf(
  known: Known,
  parts: readonly Partial<StoreJob>[],
): { readonly jobs: readonly StoreJob[]; readonly next: Known } {
  let next = known;
  const jobs = parts.map((part): StoreJob => {
    const job = jobOf(next, part);
    next = after(next, job);
    return job;
  });
  return { jobs, next };
}

function jobOf(known: Known, part: Partial<StoreJob>): StoreJob {
  const { term, vote } = known.hardState;
  const { index: lastIndex, term: lastTerm } = known.last;
  return {
    snapshot: undefined,
    hardState: known.hardState,
    entries: [],
    suspicion: undefined,
    thenSend: [],
    mark: { job: 1, term, vote, lastIndex, lastTerm, snapshotIndex: undefined, suspect: undefined },
    ...part,
  };
}

function after(known: Known, job: StoreJob): Known {
  const entries = job.snapshot ? new Map<number, Entry>() : new Map(known.entries);
  let last = job.snapshot ? { index: job.snapshot.index, term: job.snapshot.term } : known.last;
  const first = job.entries[0];
  if (first) {
    for (const index of entries.keys()) if (index >= first.index) entries.delete(index);
    for (const entry of job.entries) entries.set(entry.index, entry);
    const { index, term } = job.entries.at(-1) as Entry;
    last = { index, term };
  }
  return {
    hardState: job.hardState ?? known.hardState,
    start: job.snapshot ?? known.start,
    pointer: job.snapshot ? pointerTo(job.snapshot) : known.pointer,
    entries,
    last,
    suspicion: job.suspicion === 'cleared' ? undefined : (job.suspicion ?? known.suspicion),
  };
}

/** What stands at an index of a term is always the same, as in a real group. */
export function entriesAt(
  after: { readonly index: number; readonly term: number },
  term: number,
  count: number,
): readonly Entry[] {
  return Array.from({ length: count }, (_, i): Entry => {
    const at = { index: after.index + 1 + i, term };
    const salt = 7 * at.index + 13 * term;
    if (salt % 11 === 0) return { type: 'empty', ...at, data: noBytes };
    const data = new TextEncoder().encode(`entry ${at.index} of term ${term}: ${'x'.repeat(salt % 40)}`);
    if (salt % 5 !== 0) return { type: 'data', ...at, data };
    const steps = [{ do: 'add-learner' as const, peer: peerOf(salt) }];
    return { type: 'change', ...at, data, change: { steps, transition: 'auto' } };
  });
}

export const pointerTo = (meta: SnapshotMeta): SnapshotPointer => ({
  meta,
  file: `snapshot-${meta.index}-${meta.term}`,
  sizeBytes: 1000 + meta.index,
  sha256: 'ab'.repeat(32),
});

const peerOf = (n: number): PeerId => peers[n % 3] as PeerId;

const configurationAt = (n: number): Configuration =>
  n % 2 === 0 ? firstConfiguration : configurationOf(peers, [asPeer(`learner-${n}`)]);
