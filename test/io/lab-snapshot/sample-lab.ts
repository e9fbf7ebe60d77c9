/** A lab as it lies on the disk of a node, small but with everything that a snapshot holds. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '#events/envelope.ts';
import { configurationOf } from '#events/raft/configuration.ts';
import { Lab } from '#actors/lab.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { saveLab, type SaveParts } from '#io/lab-snapshot/save.ts';
import { eventsOf as eventsIn, packEntry } from '#io/log/codec.ts';
import { recordsOf, unpackApplied } from '#io/log/raft/engine/applied.ts';
import { Applier } from '#io/log/raft/engine/applier.ts';
import { packBatch } from '#io/log/raft/engine/batch.ts';
import { HistoryKeeper } from '#io/log/raft/engine/keeper.ts';
import { firstEntry } from '#io/log/raft/engine/open.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { wrapSecrets } from '#io/pki/sealed-secrets.ts';
import { openBlobs, type LocalBlobs } from '#io/stores/blobs.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { entriesOf } from '#test/bench/history.ts';

const dataKey = new Uint8Array(32).fill(3);
export const savedAt = Date.UTC(2026, 10, 21);
const authority = await createAuthority(savedAt);

export interface SampleLab {
  readonly dir: string;
  readonly keeper: HistoryKeeper;
  readonly lab: Lab;
  readonly blobs: LocalBlobs;
  readonly recoveryKey: string;
  readonly sealedKeys: Uint8Array;
  readonly parts: SaveParts;
  close(): Promise<void>;
}

/** @param nodes beside the one that the history is of */
export async function sampleLab(dir: string, nodes: readonly string[] = ['vega']): Promise<SampleLab> {
  const snapshots = await SnapshotFiles.open(await openDirectory(join(dir, 'snapshots')));
  const keeper = await HistoryKeeper.open({
    openDirectory: () => openDirectory(join(dir, 'history')),
    snapshots,
    clock: realClock,
    // Several sealed ones.
    sealing: { entries: 120, bytes: 2 ** 20 },
    sources: () => [],
    note: () => {},
  });
  await keeper.beginAt(undefined, firstEntry(configurationOf([peerOf('a', 'disk')])));
  const lab = new Lab();
  const applier = new Applier(0, new Map());
  const commands = [...entriesOf(1000), ...nodes.map(joining)].map((entry) => packEntry({ ...entry, expect: [] }));
  for (let index = 2; commands.length > 0; index++) {
    // Alone, or with what was appended in the same turn; the last ones, too.
    const together = commands.splice(0, commands.length < 4 ? 4 : (index % 3) + 1);
    const { bytes } = applier.apply('data', packBatch(together));
    await keeper.append([{ index, term: 3, bytes }]);
    for (const { first, bytes: record } of recordsOf(index, unpackApplied(index, bytes)))
      for (const event of eventsIn(first, record)) lab.fold(event);
  }
  const blobs = openBlobs({ dir: join(dir, 'blobs'), key: dataKey });
  for (const text of ['services: {}', 'PASSWORD=hunter2']) await blobs.put(Buffer.from(text));
  const recoveryKey = makeRecoveryKey();
  const sealedKeys = wrapSecrets(recoveryKey, {
    'ca.key': authority.key,
    'ca.crt': authority.cert,
    data_key: Buffer.from(dataKey).toString('base64url'),
  });
  const parts: SaveParts = {
    lab: {
      view: lab,
      readIndex: () => Promise.resolve(lab.index),
      history: async function* (_, upTo) {
        yield [{ at: upTo === lab.index ? lab.at : 0 }];
      },
    },
    history: () => keeper.history,
    local: blobs,
    shared: { ...blobs, sweep: () => Promise.resolve(0) },
    cluster: { id: 'lab-of-tests', generation: 4 },
    node: 'a',
    version: '1.2.3',
    now: () => savedAt,
    sealedKeys: () => Promise.resolve(sealedKeys),
  };
  return { dir, keeper, lab, blobs, recoveryKey, sealedKeys, parts, close: () => keeper.close() };
}

/** @returns the path of its snapshot */
export async function savedTo(file: string, { parts }: Pick<SampleLab, 'parts'>): Promise<string> {
  const { bytes } = await saveLab(parts, new AbortController().signal);
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, Buffer.concat(pieces));
  return file;
}

function joining(name: string): Entry {
  const command = `join-${name}`;
  return {
    command,
    by: 'system:door',
    cause: command,
    correlation: command,
    at: savedAt - 1,
    expect: [],
    drafts: [
      {
        stream: `node:${name}`,
        type: 'node.joined',
        schema: 2,
        data: {
          metadata: {
            name,
            namespace: 'system',
            labels: {},
            annotations: {},
            uuid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
          },
          addresses: [],
          facts: {
            architecture: 'x64',
            cpus: 1,
            memoryBytes: 2 ** 30,
            os: 'Debian 12',
            kernel: '6.1',
            engine: null,
            pools: [],
            version: '0.1.0',
          },
          role: 'witness',
          keySha256: 'b'.repeat(64),
          incarnation: 'its-disk',
          port: 7401,
        },
      },
    ],
  } as unknown as Entry;
}
