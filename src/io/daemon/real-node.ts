/**
 * This machine as a node: engine, pool, databases and keys, then the lab on top of them.
 *
 * Everything is found or made, in an order in which a crash between any two steps is taken up by the next start. The
 * data directory is locked first, so that no second daemon touches any of it.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeKit } from '../backup-kit/kit.ts';
import { attestationFile } from '../devices/attestations/real.ts';
import { realBootTime } from '../devices/boot-time/real.ts';
import { realClock } from '../devices/clock/real.ts';
import { IoError } from '../devices/error.ts';
import { realPlaces } from '../devices/places/real.ts';
import { realRandom } from '../devices/random/real.ts';
import type { Readiness } from '../http/parts.ts';
import { isLoopback } from '../http/auth/hosts.ts';
import type { HttpServer } from '../http/server.ts';
import type { RunningLab } from '../lab/running.ts';
import { keepSwept, sharedBlobs, type SharedBlobs } from '../lab/shared-blobs.ts';
import type { SnapshotPort } from '../lab/port.ts';
import type { Folded } from '../lab/folded.ts';
import { StateDatabase } from '../lab/state.ts';
import { saveLab } from '../lab-snapshot/save.ts';
import { openBlobs } from '../stores/blobs.ts';
import { ensureRecoveryKey, ownKeys, recoveryKeyWasShown, sealedRecovery, type NodeKeys } from './cluster/keys.ts';
import { recordRecovery } from './cluster/recovery-note.ts';
import { migrateSingleLog } from './cluster/migrate.ts';
import { AmongOthers } from './cluster/node.ts';
import { openSharedEnded } from './cluster/shared-ended.ts';
import { administratorOf } from './administrator.ts';
import { passwordWasShown } from './credentials.ts';
import { openStateStore } from './databases.ts';
import { checkLab } from './first-start.ts';
import { keepHttps, serverCertificateOf, type HttpsParts } from './https.ts';
import { KeptIni } from './kept-ini.ts';
import type { Machine } from './machine.ts';
import type { RunningDaemon } from './main.ts';
import { ensureMetricsToken } from './metrics-token.ts';
import type { NodeIni } from './node-ini.ts';
import { foundLab, nodeAddressesOf, openPlace, type Closing, type Found, type Place } from './place.ts';
import { deploySample, sampleFile } from './sample.ts';
import { sampleWasDeployed } from './sample-memory.ts';
import { serve } from './serve.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';
import { welcomeLines } from './welcome.ts';
import { wireNode, type WiredLab } from './wire.ts';

export interface DaemonContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Whether a person sits where the welcome is said. */
  readonly isTerminal: boolean;
  onBroken(error: unknown): void;
  /** The other nodes folded the history to another state: stop, and begin anew. */
  onDiverged?(explain: string): void;
}

export async function openRealNode(settings: Settings, context: DaemonContext): Promise<RunningDaemon> {
  needsRoot();
  const closing: Closing = [];
  const stop = async (): Promise<void> => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  };
  try {
    const place = await openPlace(settings, context, closing);
    const found = await foundLab(settings, context, place);
    const opened = await openLab(settings, context, place, found, closing);
    const { server, fingerprint } = await openServer(settings, context, place.machine, opened, closing);
    const { wired, among, kept } = opened;
    const sample = { file: sampleFile, prepare: place.machine.welcomeImage, log: context.log };
    if (found.isWelcomeDue && (await deploySample(wired.lab, sample))) await sampleWasDeployed(settings.dataDir);
    // Before anything else ends: whoever asks meanwhile is served, by another leader.
    closing.push(() => wired.goodbye());
    return {
      welcome: welcomeLines({
        urls: server.urls,
        admin: kept.now.admin.name,
        newPassword: found.identity.newPassword,
        recoveryKey: opened.recoveryKey,
        fingerprint,
        notes: [
          ...opened.notes,
          ...among.notes,
          ...place.machine.notes,
          ...(settings.join && !place.isJoining ? [joinedBefore] : []),
        ],
        isTerminal: context.isTerminal,
        folder: process.cwd(),
      }),
      shown: async () => {
        await passwordWasShown(settings.dataDir);
        await recoveryKeyWasShown(settings.dataDir);
      },
      stop,
    };
  } catch (error) {
    await stop().catch((failure: unknown) => context.log.error({ error: String(failure) }, 'could not tidy up'));
    throw error;
  }
}

interface OpenedLab {
  readonly kept: KeptIni;
  readonly keys: NodeKeys;
  /** Made by this start. */
  readonly recoveryKey: string | undefined;
  readonly among: AmongOthers;
  readonly blobs: SharedBlobs;
  readonly snapshots: SnapshotPort;
  readonly wired: WiredLab;
  /** What a person should know about it. */
  readonly notes: readonly string[];
}

/** Its part of the lab: keys, state, the log that all share, and what it does for it. */
async function openLab(
  settings: Settings,
  { log, signal, onBroken, onDiverged }: DaemonContext,
  { machine, isWitness }: Place,
  { identity }: Found,
  closing: Closing,
): Promise<OpenedLab> {
  const { dataDir } = settings;
  const { ini } = identity;
  const kept = new KeptIni(dataDir, ini);
  const addresses = await nodeAddressesOf(settings);
  const warn = (message: string): void => log.warn(message);
  const keys = await ownKeys({ dataDir, ini, addresses, clock: realClock, warn });
  const recoveryKey = await ensureRecoveryKey(dataDir, ini);
  await migrateSingleLog(dataDir, identityOf(ini), log);
  const { stateStore, bootId, anew } = await openStateStore(dataDir, log);
  const state = new StateDatabase(stateStore, bootId, { anew, warn });
  let folded: Folded | undefined;
  const shared = { clock: realClock, random: realRandom, log, onBroken, ...(onDiverged ? { onDiverged } : {}) };
  const among = await AmongOthers.open({
    ...shared,
    dataDir,
    ini,
    keys,
    listen: settings.nodeListen,
    mayMove: !settings.said.has('node-listen'),
    addresses,
    transferBytesPerSecond: settings.transferBytesPerSecond,
    foldedUpTo: async (head) => {
      folded = await state.load(head);
      return { versions: folded.lab.versions(), index: folded.lab.index };
    },
  });
  if (!folded) throw new Error('the log was opened without asking what is folded of it');
  const local = openBlobs({ dir: join(dataDir, 'blobs'), key: ini.lab.dataKey });
  const blobs = sharedBlobs({ local, others: among.others, clock: realClock, electorates: among.electorates });
  const wired = await wireNode({
    ...shared,
    version,
    labName: settings.labName,
    timeZone: settings.timeZone,
    state,
    folded,
    among,
    blobs,
    ini: () => kept.now,
    node: {
      id: ini.node.id,
      name: ini.node.name,
      ports: machine.ports,
      boot: { id: bootId, time: realBootTime },
      places: realPlaces(),
      attestations: attestationFile(join(dataDir, 'attestations'), warn),
      link: {
        keySha256: keys.keySha256,
        incarnation: identityOf(ini).incarnation,
        port: among.port,
        addresses: settings.advertise,
        role: isWitness ? ('witness' as const) : ('any' as const),
      },
    },
  });
  closing.push(() => wired.stop());
  await recordRecovery(dataDir, wired.lab, realRandom, signal);
  const notes = wired.isNew ? [] : checkLab(settings, wired.lab.view);
  const stopSweeping = keepSwept({ blobs, others: among.others, clock: realClock, log });
  closing.push(async () => stopSweeping());
  const snapshots: SnapshotPort = {
    save: (until) =>
      saveLab(
        {
          lab: wired.lab,
          history: () => among.nodeLog.keeper.history,
          local,
          shared: blobs,
          cluster: ini.lab,
          node: ini.node.name,
          version,
          now: () => realClock.now(),
          sealedKeys: () => sealedRecovery(dataDir),
        },
        until,
      ),
  };
  return { kept, keys, recoveryKey, among, blobs, snapshots, wired, notes };
}

/** What people and programs talk to. */
async function openServer(
  settings: Settings,
  { log }: DaemonContext,
  machine: Machine,
  { kept, keys, among, blobs, snapshots, wired }: OpenedLab,
  closing: Closing,
): Promise<{ readonly server: HttpServer; readonly fingerprint: string | undefined }> {
  const { dataDir, hostNames } = settings;
  const administrator = administratorOf({ kept, others: among.others, clock: realClock, log });
  closing.push(async () => administrator.stop());
  const ended = await openSharedEnded(dataDir, { others: among.others, clock: realClock, log });
  closing.push(async () => ended.stop());
  const https: HttpsParts = {
    dataDir,
    hostNames,
    caCert: keys.caCert,
    certificate: () => among.certificate,
    onCertificate: (listener) => among.onCertificate(listener),
    clock: realClock,
    log,
  };
  const isLocal = settings.listen.every(({ host }) => isLoopback(host));
  const tls = isLocal ? undefined : await serverCertificateOf(https);
  const server = await serve({
    settings,
    lab: wired.lab,
    containers: wired.containers,
    files: wired.files,
    disks: wired.disks,
    adoptable: wired.adoptable,
    adoption: wired.adoption,
    blobs,
    log,
    credentials: administrator.credentials,
    ended,
    signer: { privateKey: keys.certificate.key, knows: among.hasNodeWith },
    tls,
    metricsToken: await ensureMetricsToken(dataDir),
    ready: () => readiness(machine, wired.lab),
    cluster: among,
    snapshots,
    backups: {
      files: wired.backupFiles,
      vaults: wired.vaults,
      kit: () => backupKit(dataDir, kept.now, wired.lab, blobs),
    },
  });
  closing.push(() => server.close());
  if (tls) {
    const stopRenewing = keepHttps(https, tls, (renewed) => server.setTls(renewed));
    closing.push(async () => stopRenewing());
  }
  return { server, fingerprint: tls?.fingerprint };
}

/** @throws IoError MISSING where the sealed keys are not on this node */
async function backupKit(dataDir: string, { lab: { dataKey } }: NodeIni, lab: RunningLab, blobs: SharedBlobs) {
  const sealed = await sealedRecovery(dataDir);
  if (sealed)
    return makeKit({ lab: lab.view, dataKey, sealed, nowMs: realClock.now(), blob: (address) => blobs.get(address) });
  throw new IoError('MISSING', {
    op: 'write the kit',
    target: 'this node',
    message: 'This node has no sealed copy of the keys of the lab.',
    hint: 'It fetches one from the voters: try again in a minute, or ask another node.',
  });
}

const joinedBefore = '--join is for the first start: this machine is a node of its lab already.';

export function needsRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new IoError('PERMISSION', {
    op: 'floatlabd',
    target: 'this machine',
    message: 'FloatLab needs root: it mounts pools and makes volumes.',
    hint: 'Run it as root (sudo npm start), or try it without: npm start -- --simulate 3',
  });
}

function identityOf({ node, lab }: NodeIni) {
  const { incarnation } = node;
  if (incarnation === undefined) throw new Error('node.ini has no incarnation');
  return { cluster: lab.id, generation: lab.generation, node: node.id, incarnation };
}

async function readiness({ ready }: Machine, lab: RunningLab): Promise<readonly Readiness[]> {
  return [...(ready ? [await ready()] : []), { name: 'history', ok: lab.current }];
}
