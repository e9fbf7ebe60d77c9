/**
 * `--recover`: the majority of the voters is gone for good, and this node goes on alone with what it has. Offline, by a
 * person who knows what they say: what the lost majority had agreed on and this node has not got is lost, and a node
 * that is said to be off and is not would run its apps a second time.
 *
 *   look ─▶ key of the authority ─▶ ask, node by node
 *        ─▶ log.recovering: history, with the entries that only the consensus log had ─▶ tls/ca.key
 *        ─▶ node.ini: next generation, new incarnation ─▶ log.before-generation-N ◀─ log ◀─ log.recovering
 *
 * Who goes on alone has to sign certificates, or nobody could join any more. A node that does not vote has no key for
 * that: a person types the lab's recovery key, which opens the sealed copy.
 *
 * Whoever missed the new generation is not let in any more, and joins anew. At its next start this node records what was
 * done, and on whose word.
 */
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LabView } from '#actors/actor.ts';
import type { Lab } from '#actors/lab.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { streamOf } from '#events/envelope.ts';
import { realClock } from '../../devices/clock/real.ts';
import { IoError } from '../../devices/error.ts';
import type { Random } from '../../devices/random/port.ts';
import { Applier } from '../../log/raft/engine/applier.ts';
import { HistoryKeeper } from '../../log/raft/engine/keeper.ts';
import { EventReader } from '../../log/raft/engine/reading.ts';
import { foundUpon } from '../../log/raft/found.ts';
import { openStorage } from '../../log/raft/open.ts';
import type { Opened } from '../../log/raft/storage.ts';
import { SnapshotFiles } from '../../log/raft/snapshots/snapshot-files.ts';
import { openDirectory } from '../../stores/directory-real.ts';
import { isThere, syncDir } from '../../stores/files.ts';
import { openLevel } from '../../stores/level.ts';
import { readNodeIni, writeNodeIni, type NodeIni } from '../node-ini.ts';
import { readLab } from '../read-lab.ts';
import { askWhoIsOff, type Word } from './ask-off.ts';
import { logFolder, recoveringFolder } from './begin.ts';
import { readRecoveryNote, writeRecoveryNote, type RecoveryNote } from './recovery-note.ts';
import { Roster } from './roster.ts';
import { keepAuthority, unsealAuthority, type Paper } from './sealed-keys.ts';

export interface RecoverOptions extends Word, Paper {
  readonly dataDir: string;
  readonly random: Random;
  readonly log: Logger;
  /** Called before each step. */
  step(what: string): void;
}

/** @throws IoError, RecoveryError when it cannot be, or somebody said no; then nothing was changed */
export async function recoverLab(options: RecoverOptions): Promise<void> {
  const { dataDir, log, say, step } = options;
  const ini = await readNodeIni(dataDir);
  if (!ini || !(await isThere(logFolder(dataDir)))) {
    if (ini && (await isInterrupted(dataDir, ini))) return finish(options, ini);
    throw refusal(
      'MISSING',
      `there is no lab in ${dataDir} that could be recovered`,
      'Give the directory of a node: --data DIR',
    );
  }
  const view = await readLab(dataDir, log);
  const cluster = view.get(clusterStream);
  if (!cluster) throw refusal('MISSING', 'this node knows nothing of its lab yet', 'Recover on another node.');
  // The history could not say that it goes on from here, and no start would come to its end.
  if (!view.get(streamOf('node', ini.node.id)))
    throw refusal('INVALID', `node ${ini.node.name} left the lab, or was removed from it`, 'Recover on another node.');
  say(`This node knows the lab up to event ${view.index}, of ${new Date(view.at).toISOString()}.`);
  say('What the others had agreed on after that is lost for good. Is one of them to be had? Recover there instead.');
  const authority = await unsealAuthority(dataDir, options);
  const missing = await askAll(options, ini, view);
  const generation = Math.max(ini.lab.generation, cluster.context.generation) + 1;
  const incarnation = options.random.id();
  const next: NodeIni = {
    ...ini,
    node: { ...ini.node, incarnation },
    lab: { ...ini.lab, generation, wasJoined: false },
  };
  step('build the log');
  const built = await build(dataDir, next, view).catch(async (error: unknown) => {
    await rm(recoveringFolder(dataDir), { recursive: true, force: true });
    throw error;
  });
  const lost = {
    keptIndex: built.head,
    explain: built.explain,
  };
  const survivor = { node: streamOf('node', ini.node.id), incarnation };
  // Before the identity: a node that decides alone can sign. If it ends here, the node removes the key again as it runs.
  step('keep the key of the authority');
  if (authority) await keepAuthority(dataDir, authority);
  // From here on the daemon does not start upon the old log: a recovery has to be brought to its end.
  step('keep the identity');
  await writeNodeIni(dataDir, next);
  step('forget the peers');
  await Roster.write(dataDir, []);
  // After the identity: a note of what did not happen would be believed.
  step('keep the note');
  await writeRecoveryNote(dataDir, { generation, by: options.by, lost, missingNodes: missing, survivor });
  step('move the old log aside');
  await rename(logFolder(dataDir), `${logFolder(dataDir)}.before-generation-${generation}`);
  await syncDir(dataDir);
  await finish(options, next);
  say(`Kept: everything up to event ${built.head}. ${built.explain}`);
}

async function finish({ dataDir, say, step }: RecoverOptions, { lab }: NodeIni): Promise<void> {
  step('move the new log');
  await rename(recoveringFolder(dataDir), logFolder(dataDir));
  await syncDir(dataDir);
  say(
    `The lab goes on from this node alone, as generation ${lab.generation}: start it (npm start -- --data ${dataDir}).`,
  );
  say('The other machines join anew: floatlab node token --replaces NAME, and an empty data directory there.');
}

/** Everything was made, and only the last step did not come: what stands there is that recovery's, and no other's. */
async function isInterrupted(dataDir: string, ini: NodeIni): Promise<boolean> {
  if (!(await isThere(recoveringFolder(dataDir)))) return false;
  const note = await readRecoveryNote(dataDir);
  return note?.generation === ini.lab.generation && note.survivor.incarnation === ini.node.incarnation;
}

/** A flat folder. */
async function copyDurably(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of await readdir(from)) {
    await copyFile(join(from, name), join(to, name));
    const file = await open(join(to, name), 'r+');
    await file.sync();
    await file.close();
  }
  await syncDir(to);
}

/** @returns the nodes that this one goes on without */
async function askAll(options: RecoverOptions, ini: NodeIni, view: LabView): Promise<RecoveryNote['missingNodes']> {
  const { nodesOff, confirm } = options;
  const self = streamOf('node', ini.node.id);
  const others = view.list('node').filter(({ stream, state }) => stream !== self && state !== 'waiting');
  const names = others.map(({ context }) => context.metadata.name);
  const missing = await askWhoIsOff('recover', names, options);
  const name = view.get(clusterStream)?.context.metadata.name ?? 'lab';
  const isSure = nodesOff.length > 0 && names.every((other) => nodesOff.includes(other));
  const said = isSure || (await confirm(`Go on with lab ${name} from this node alone?`));
  // Where there is no other node the command itself says it all; a person who can be asked is asked.
  if (said !== true && !(said === undefined && names.length === 0))
    throw refusal('ABORTED', 'nothing was changed', 'Without a terminal say of every other node: --node-off NAME.');
  return missing;
}

interface Built {
  /** Last entry of the new log, and the last event in it. */
  readonly last: number;
  readonly head: number;
  /** The highest entry that this node is known to have had. */
  readonly known: number;
  readonly explain: string;
}

async function build(dataDir: string, ini: NodeIni, view: Lab): Promise<Built> {
  const folder = recoveringFolder(dataDir);
  await rm(folder, { recursive: true, force: true });
  await copyDurably(join(logFolder(dataDir), 'history'), join(folder, 'history'));
  const found = await readConsensusLog(dataDir);
  const snapshots = await SnapshotFiles.open(await openDirectory(join(folder, 'snapshots')));
  const keeper = await HistoryKeeper.open({
    openDirectory: () => openDirectory(join(folder, 'history')),
    snapshots,
    clock: realClock,
    sources: () => [],
    note: () => {},
  });
  try {
    const reader = new EventReader(() => keeper.history);
    const versions = new Map(view.versions());
    const applier = new Applier(await reader.catchUp(versions, view.index), versions);
    const before = keeper.history.last;
    // Agreed on or not: nobody is left who could say otherwise.
    for (const entry of found.start.entries) {
      if (entry.index !== keeper.history.last + 1) continue;
      const { bytes } = applier.apply(entry.type, entry.data);
      await keeper.append([{ index: entry.index, term: entry.term, bytes }]);
    }
    const at = (await keeper.last()) ?? { index: 1, term: 1 };
    const { suspect, hardState } = found.start;
    const { node, lab } = ini;
    const identity = {
      cluster: lab.id,
      generation: lab.generation,
      node: node.id,
      incarnation: node.incarnation ?? '',
    };
    const parts = {
      store: await openLevel(join(folder, 'raft')),
      directory: await openDirectory(join(folder, 'watermark')),
    };
    await foundUpon(keeper, parts, identity, at, Math.max(hardState.term, suspect?.term ?? 0, at.term));
    const { snapshot, entries } = found.start;
    const known = Math.max(suspect?.lastIndex ?? 0, snapshot.index, entries.at(-1)?.index ?? 0, at.index);
    const added = at.index - before;
    const explain = [
      added > 0 ? `${added} entries were in this node's consensus log alone, and were kept.` : '',
      known > at.index ? `This node once had entries up to ${known}; those after ${at.index} are lost here.` : '',
      'What only other nodes had is lost.',
    ];
    return { last: at.index, head: applier.head, known, explain: explain.filter((one) => one !== '').join(' ') };
  } finally {
    await keeper.close();
  }
}

/** What is intact of it. */
async function readConsensusLog(dataDir: string): Promise<Opened> {
  const at = (name: string): string => join(logFolder(dataDir), name);
  const opened = await openStorage({
    store: await openLevel(at('raft')),
    directory: await openDirectory(at('watermark')),
  });
  await opened.storage.close();
  return opened;
}

const refusal = (code: 'MISSING' | 'INVALID' | 'ABORTED', message: string, hint: string): IoError =>
  new IoError(code, { op: 'recover', target: 'this node', message, hint });
