/**
 * `--restore FILE`: a whole lab comes back from its snapshot, on a machine with an empty data directory. Offline, and by
 * a person who has the recovery key and knows that no machine of the lab runs any more.
 *
 *   read all of it ─▶ keys ─▶ ask, node by node ─▶ restoring/: history, files, keys, identity ─▶ moved out, node.ini last
 *
 * The machine takes the place of one node of the lab, with a key and an incarnation of its own, in the next generation:
 * nodes of the lab as it was are not let in any more, and join anew. A crash before the last step leaves what the next try
 * clears away, and what no daemon starts upon; after it the lab is restored.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hash } from '@node-rs/argon2';
import type { ActorState } from '#actors/actor.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import type { Lab } from '#actors/lab.ts';
import { idOf } from '#events/envelope.ts';
import { realClock } from '../../devices/clock/real.ts';
import { IoError } from '../../devices/error.ts';
import type { Random } from '../../devices/random/port.ts';
import { blobPart, type About, type PartKind } from '../../lab-snapshot/format.ts';
import { readSnapshot, type Found, type PartSink } from '../../lab-snapshot/read.ts';
import { HistoryKeeper } from '../../log/raft/engine/keeper.ts';
import { foundUpon } from '../../log/raft/found.ts';
import { manifestName } from '../../log/raft/history/manifest.ts';
import { openName, sealedName } from '../../log/raft/history/segment.ts';
import { SnapshotFiles } from '../../log/raft/snapshots/snapshot-files.ts';
import { ensureNodeKey } from '../../pki/node-files.ts';
import { openBlobs } from '../../stores/blobs.ts';
import { openDirectory } from '../../stores/directory-real.ts';
import { isThere, replaceFile, syncDir } from '../../stores/files.ts';
import { openLevel } from '../../stores/level.ts';
import { logFile } from '../logger.ts';
import { nodeIniPath, writeNodeIni, type NodeIni } from '../node-ini.ts';
import { makePassword } from '../password.ts';
import { askWhoIsOff, type Word } from './ask-off.ts';
import { begunFile, hasBegun, logFolder } from './begin.ts';
import { keepSealedRecovery, tlsDirOf } from './keys.ts';
import { noteFile, writeRecoveryNote, type RecoveryNote } from './recovery-note.ts';
import { unseal, type LabKeys, type Paper } from './sealed-keys.ts';

export interface RestoreOptions extends Word, Paper {
  readonly file: string;
  /** Locked, and empty. */
  readonly dataDir: string;
  /** The node whose place this machine takes, if somebody has said it; else one of the machine's own name, or the only one. */
  readonly node: string | undefined;
  readonly hostName: string;
  /** A higher one than the next: the lab was recovered or restored since the snapshot was made. */
  readonly generation: number | undefined;
  readonly random: Random;
  /** Called before each step. */
  step(what: string): void;
}

/** What is made before it takes its place; while it is there, and no identity, the directory is half of a lab. */
const restoringFolder = (dataDir: string): string => join(dataDir, 'restoring');
const iniFile = 'node.ini';
/** Nothing of a lab: what this very run writes, the log of one on a terminal, and what an empty file system of its own holds. */
const notes: readonly string[] = ['lock', logFile, 'lost+found'];
/** In the order in which they take their places; the identity is last, and makes it a node. */
const moved = ['tls', 'blobs', 'log', noteFile, begunFile] as const;

/** @throws IoError, RecoveryError, LogError TOO_NEW; before the last step: then the directory is as if nothing was there */
export async function restoreLab(options: RestoreOptions): Promise<void> {
  const { dataDir, file, say, step } = options;
  await refuseUnlessEmpty(dataDir);
  step('read the snapshot');
  const found = await readSnapshot(file);
  const { about, lab, sealedKeys } = whole(file, found);
  say(
    `Lab ${about.name} as of event ${about.index}, of ${day(about.at)}: generation ${about.generation}, saved on node ` +
      `${about.savedBy} ${day(about.savedAt)}. What happened after that event is lost.`,
  );
  const node = nodeOf(lab, options);
  const generation = generationOf(about, lab, options.generation);
  const keys = await unseal('restore', sealedKeys, options);
  const missingNodes = await askAll(lab, node, about, options);
  const { ini, note } = identityOf(
    { about, node, generation, keys, missingNodes, passwordHash: await noPassword() },
    options,
  );

  step('clear what an interrupted restore left');
  await clear(dataDir);
  const into = restoringFolder(dataDir);
  await mkdir(into, { mode: 0o700 });
  await syncDir(dataDir);
  step('unpack');
  await unpack(file, into);
  step('found the log');
  await foundLog(into, about, ini);
  step('keep the keys');
  await keepKeys(into, keys, sealedKeys);
  await checkBlobs(into, keys, found.blobs);
  step('keep the identity');
  await writeRecoveryNote(into, note);
  await hasBegun(into, ini.node.incarnation ?? '');
  await writeNodeIni(into, ini);
  for (const name of moved) {
    step(`move ${name}`);
    await rename(join(into, name), join(dataDir, name));
  }
  await syncDir(dataDir);
  step('move the identity');
  await rename(join(into, iniFile), nodeIniPath(dataDir));
  await syncDir(dataDir);
  step('tidy up');
  await rm(into, { recursive: true, force: true });
  for (const line of farewell(dataDir, about, node, generation)) say(line);
}

/** A start upon half of a lab would make another one of the rest. @throws IoError INVALID */
export async function refuseHalfRestored(dataDir: string): Promise<void> {
  const folder = restoringFolder(dataDir);
  if (!(await isThere(folder))) return;
  if (await isThere(nodeIniPath(dataDir))) return rm(folder, { recursive: true, force: true });
  throw refusal(
    'INVALID',
    `a restore into ${dataDir} was interrupted`,
    `Do it again: npm start -- --data ${dataDir} --restore FILE. Or empty the directory.`,
  );
}

async function refuseUnlessEmpty(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => !notes.includes(name));
  if (names.includes(iniFile)) {
    throw refusal(
      'EXISTS',
      `${dataDir} holds a node of a lab already`,
      'Restore into an empty directory: --data DIR. Nothing was changed.',
    );
  }
  const ours: readonly string[] = names.includes('restoring') ? ['restoring', ...moved] : [];
  const strange = names.filter((name) => !ours.includes(name));
  if (strange.length === 0) return;
  throw refusal(
    'EXISTS',
    `${dataDir} is not empty: it holds ${strange.slice(0, 5).join(', ')}${strange.length > 5 ? ' and more' : ''}`,
    'Restore into an empty directory: --data DIR. Nothing was changed.',
  );
}

type Whole = Pick<Required<Found>, 'about' | 'lab' | 'sealedKeys'> & {
  readonly about: About;
  readonly lab: Lab;
  readonly sealedKeys: Uint8Array;
};

function whole(file: string, { about, lab, sealedKeys, problems }: Found): Whole {
  if (problems.length === 0 && about && lab && sealedKeys) return { about, lab, sealedKeys };
  const [first] = problems;
  const where = first?.part === '' || first === undefined ? '' : `${first.part}: `;
  const more = problems.length > 1 ? ` And ${problems.length - 1} more.` : '';
  throw refusal(
    'DAMAGED',
    `the snapshot ${file} is damaged: ${where}${first?.explain ?? 'it is not complete'}${more}`,
    'Take another copy of it, or an older snapshot. All that is wrong with it: floatlab cluster snapshot inspect FILE',
  );
}

type Node = ActorState<'node'>;
const nameOf = ({ context }: Node): string => context.metadata.name;
const nodesOf = (lab: Lab): readonly Node[] => lab.list('node').filter(({ state }) => state !== 'waiting');

function nodeOf(lab: Lab, { node: said, hostName }: Pick<RestoreOptions, 'node' | 'hostName'>): Node {
  const nodes = nodesOf(lab);
  const found =
    nodes.find((node) => nameOf(node) === (said ?? hostName)) ?? (said === undefined ? only(nodes) : undefined);
  if (found) return found;
  throw refusal(
    'INVALID',
    said === undefined ? 'it is not said which node this machine becomes' : `the lab has no node ${said}`,
    `Say whose place it takes: --name NAME, one of ${nodes.map(nameOf).join(', ')}.`,
  );
}

const only = <T>(all: readonly T[]): T | undefined => (all.length === 1 ? all[0] : undefined);

function generationOf(about: About, lab: Lab, said: number | undefined): number {
  const known = Math.max(about.generation, lab.get(clusterStream)?.context.generation ?? 1);
  if (said === undefined) return known + 1;
  if (said > known) return said;
  throw refusal(
    'INVALID',
    `the snapshot is of generation ${known}: the restored lab cannot be of generation ${said}`,
    'Leave --generation out, or say a higher one than the lab ever had.',
  );
}

async function askAll(
  lab: Lab,
  node: Node,
  { name }: About,
  { nodesOff, by, confirm }: RestoreOptions,
): Promise<RecoveryNote['missingNodes']> {
  const self = nameOf(node);
  const others = nodesOf(lab).filter((other) => other !== node);
  const isSelfOff =
    nodesOff.includes(self) ||
    (await confirm(`Is this the machine of node ${self}, or is that one switched off, and does it stay so?`));
  if (isSelfOff !== true) {
    throw refusal(
      'INVALID',
      `nobody says that node ${self}, whose place this machine takes, is off: its apps could run twice`,
      `Switch its machine off, or run this on it; then say so: --node-off ${self}`,
    );
  }
  const word = { nodesOff: nodesOff.filter((one) => one !== self), by, confirm };
  const missing = await askWhoIsOff('restore', others.map(nameOf), word);
  const isSure = [node, ...others].every((one) => nodesOff.includes(nameOf(one)));
  if (!isSure && (await confirm(`Restore lab ${name} here, as node ${self}?`)) !== true)
    throw refusal('ABORTED', 'nothing was changed', '');
  return missing;
}

interface Decided {
  readonly about: About;
  readonly node: Node;
  readonly generation: number;
  readonly keys: LabKeys;
  readonly missingNodes: RecoveryNote['missingNodes'];
  readonly passwordHash: string;
}

function identityOf(
  { about, node, generation, keys, missingNodes, passwordHash }: Decided,
  { by, random }: RestoreOptions,
): { readonly ini: NodeIni; readonly note: RecoveryNote } {
  const incarnation = random.id();
  const explain =
    `The lab was restored from a snapshot of ${day(about.savedAt)}, saved on node ${about.savedBy}: ` +
    `what happened after event ${about.index} is lost.`;
  return {
    ini: {
      node: { id: idOf(node.stream), name: nameOf(node), incarnation, isWitness: node.context.role === 'witness' },
      lab: { id: about.lab, generation, wasJoined: false, dataKey: keys.dataKey },
      // Nobody knows it: the next start makes another one, and shows it.
      admin: {
        name: 'admin',
        passwordHash,
        passwordIsInitial: true,
        passwordWasShown: false,
        passwordChangedAt: 0,
      },
    },
    note: {
      generation,
      by,
      lost: { keptIndex: about.index, explain },
      missingNodes,
      survivor: { node: node.stream, incarnation },
    },
  };
}

const noPassword = (): Promise<string> => hash(makePassword());

/** Of an interrupted one. The mark that it was interrupted goes last. */
async function clear(dataDir: string): Promise<void> {
  for (const name of moved) await rm(join(dataDir, name), { recursive: true, force: true });
  await syncDir(dataDir);
  await rm(restoringFolder(dataDir), { recursive: true, force: true });
  await syncDir(dataDir);
}

async function unpack(file: string, into: string): Promise<void> {
  const folders = new Set<string>();
  const make = async (path: string): Promise<PartSink> => {
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      folders.add(folder);
      if (folder === into) break;
    }
    const handle = await open(path, 'wx', 0o600);
    return {
      write: async (piece) => {
        await handle.appendFile(piece);
      },
      close: async () => {
        await handle.sync();
        await handle.close();
      },
    };
  };
  await mkdir(join(into, 'blobs'), { mode: 0o700 });
  const found = await readSnapshot(file, {
    sink: async (part) => {
      const path = placeOf(part);
      return path === undefined ? undefined : make(join(into, path));
    },
  });
  whole(file, found);
  for (const folder of [...folders, into]) await syncDir(folder);
}

/** Where a part belongs in a data directory; undefined for what is not kept as it is. */
function placeOf(part: PartKind): string | undefined {
  switch (part.kind) {
    case 'manifest':
      return join('log', 'history', manifestName);
    case 'segment':
      return join('log', 'history', sealedName(part.first));
    case 'open':
      return join('log', 'history', openName(part.first));
    case 'blob':
      return blobPart(part.ref);
    case 'about':
    case 'recovery':
    case 'checksums':
      return undefined;
  }
}

async function foundLog(into: string, about: About, { node, lab }: NodeIni): Promise<void> {
  const folder = (name: string): string => join(logFolder(into), name);
  const snapshots = await SnapshotFiles.open(await openDirectory(folder('snapshots')));
  const keeper = await HistoryKeeper.open({
    openDirectory: () => openDirectory(folder('history')),
    snapshots,
    clock: realClock,
    sources: () => [],
    note: () => {},
  });
  try {
    const at = (await keeper.last()) ?? { index: 1, term: 1 };
    if (at.index !== about.entry) throw new Error(`the unpacked history ends at entry ${at.index}`);
    const parts = {
      store: await openLevel(folder('raft')),
      directory: await openDirectory(folder('watermark')),
    };
    const { id: cluster, generation } = lab;
    const identity = { cluster, generation, node: node.id, incarnation: node.incarnation ?? '' };
    await foundUpon(keeper, parts, identity, at, Math.max(about.term, at.term));
  } finally {
    await keeper.close();
  }
  await syncDir(logFolder(into));
}

async function keepKeys(into: string, { caCert, caKey }: LabKeys, sealed: Uint8Array): Promise<void> {
  const dir = tlsDirOf(into);
  await ensureNodeKey(dir);
  await replaceFile(join(dir, 'ca.crt'), Buffer.from(caCert), { mode: 0o644 });
  await replaceFile(join(dir, 'ca.key'), Buffer.from(caKey), { mode: 0o600 });
  await keepSealedRecovery(into, sealed);
  await syncDir(into);
}

/** They are what was saved; whether this lab's key opens them is another question. */
async function checkBlobs(into: string, { dataKey }: LabKeys, refs: readonly string[]): Promise<void> {
  const blobs = openBlobs({ dir: join(into, 'blobs'), key: dataKey });
  for (const ref of refs) await blobs.get(ref);
}

const day = (ms: number): string => new Date(ms).toISOString();

const farewell = (dataDir: string, { name, index, lacking }: About, node: Node, generation: number): string[] => [
  `Restored: lab ${name} up to event ${index}, as generation ${generation}, with this machine as node ${nameOf(node)}.`,
  ...(lacking.length === 0
    ? []
    : [`${lacking.length} files of apps were lost before it was saved: those apps have to be deployed again.`]),
  `Start it: npm start -- --data ${dataDir}. It prints a new password for the administrator.`,
  'The other machines join anew: floatlab node token --replaces NAME, and an empty data directory there.',
];

const refusal = (
  code: 'MISSING' | 'INVALID' | 'ABORTED' | 'EXISTS' | 'DAMAGED',
  message: string,
  hint: string,
): IoError => new IoError(code, { op: 'restore', target: 'this machine', message, hint });
