/**
 * What the database of the consensus log holds besides entries: hard state, identity, and where the log starts. Each is
 * one sealed record (`record.ts`), an array by position in msgpack.
 */
import { Packr } from 'msgpackr';
import type { Configuration } from '#events/raft/configuration.ts';
import { asPeer, type HardState, type SnapshotMeta } from '#events/raft/entry.ts';
import type { Watermark } from '#events/raft/state.ts';
import type { Op } from '../../stores/port.ts';
import { hardStateKey, identityKey, startKey } from './keys.ts';
import { seal, unseal } from './record.ts';
import type { Identity, SnapshotPointer } from './storage.ts';
import { packSuspicion, unpackSuspicion, type PackedSuspicion } from './suspicion.ts';

/** Who a log belongs to, and how its group began. Written once, never changed. */
export interface Birth {
  readonly identity: Identity;
  readonly firstConfiguration: Configuration;
}

/** The first configuration (`firstSnapshot`), which needs no file; or a snapshot with its file. */
export interface LogStart {
  readonly meta: SnapshotMeta;
  readonly pointer: SnapshotPointer | undefined;
}

interface SmallRecord<T> {
  readonly key: Uint8Array;
  seal(value: T): Uint8Array;
  op(value: T): Op;
  /** @returns undefined when it is missing or damaged. @throws LogError TOO_NEW */
  read(record: Uint8Array | undefined): T | undefined;
}

const format = 1;
const packr = new Packr({ useRecords: false });

function smallRecord<T, P>(
  key: Uint8Array,
  what: string,
  pack: (value: T) => P,
  unpack: (packed: P) => T,
): SmallRecord<T> {
  const sealed = (value: T): Uint8Array => seal(key, format, packr.pack(pack(value)));
  return {
    key,
    seal: sealed,
    op: (value) => ({ put: key, value: sealed(value) }),
    read: (record) => {
      const body = record && unseal(key, format, record, what);
      return body && unpack(packr.unpack(body) as P);
    },
  };
}

/**
 * What is stored besides entries with each job. The suspicion stands here and in the watermark: an old image of either,
 * put back alone, must not make a suspect trusted again.
 */
export interface StoredState extends HardState {
  readonly suspicion: Watermark | undefined;
}

type PackedState = readonly [term: number, vote: string | null, commit: number, suspicion: PackedSuspicion | null];

export const stateRecord = smallRecord<StoredState, PackedState>(
  hardStateKey,
  'the hard state of the consensus log',
  ({ term, vote, commit, suspicion }) => [term, vote ?? null, commit, packSuspicion(suspicion)],
  ([term, vote, commit, suspicion]) => ({
    term,
    vote: vote === null ? undefined : asPeer(vote),
    commit,
    suspicion: unpackSuspicion(suspicion),
  }),
);

type PackedConfiguration = readonly [
  voters: readonly string[],
  outgoing: readonly string[],
  learners: readonly string[],
  learnersNext: readonly string[],
  autoLeave: boolean,
];

function packConfiguration(configuration: Configuration): PackedConfiguration {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  return [voters, outgoing, learners, learnersNext, autoLeave];
}

function unpackConfiguration(packed: PackedConfiguration): Configuration {
  const [voters, outgoing, learners, learnersNext, autoLeave] = packed;
  return {
    voters: voters.map(asPeer),
    outgoing: outgoing.map(asPeer),
    learners: learners.map(asPeer),
    learnersNext: learnersNext.map(asPeer),
    autoLeave,
  };
}

type PackedBirth = readonly [
  cluster: string,
  generation: number,
  node: string,
  incarnation: string,
  firstConfiguration: PackedConfiguration,
];

/** @param key of the database, or a name elsewhere */
const birthRecordAt = (key: Uint8Array): SmallRecord<Birth> =>
  smallRecord<Birth, PackedBirth>(
    key,
    'the identity of the consensus log',
    ({ identity: { cluster, generation, node, incarnation }, firstConfiguration }) => [
      cluster,
      generation,
      node,
      incarnation,
      packConfiguration(firstConfiguration),
    ],
    ([cluster, generation, node, incarnation, firstConfiguration]) => ({
      identity: { cluster, generation, node, incarnation },
      firstConfiguration: unpackConfiguration(firstConfiguration),
    }),
  );

export const birthRecord = birthRecordAt(identityKey);

/** The same once more, outside the database. */
export const birthFile = { name: 'identity', record: birthRecordAt(new TextEncoder().encode('identity')) };

type PackedStart = readonly [
  index: number,
  term: number,
  configuration: PackedConfiguration,
  file: readonly [name: string, sizeBytes: number, sha256: string] | null,
];

export const startRecord = smallRecord<LogStart, PackedStart>(
  startKey,
  'the start of the consensus log',
  ({ meta, pointer }) => [
    meta.index,
    meta.term,
    packConfiguration(meta.configuration),
    pointer ? [pointer.file, pointer.sizeBytes, pointer.sha256] : null,
  ],
  ([index, term, configuration, packedFile]) => {
    const meta = { index, term, configuration: unpackConfiguration(configuration) };
    if (!packedFile) return { meta, pointer: undefined };
    const [file, sizeBytes, sha256] = packedFile;
    return { meta, pointer: { meta, file, sizeBytes, sha256 } };
  },
);
