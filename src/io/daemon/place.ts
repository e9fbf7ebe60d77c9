/**
 * Where a node runs, and which lab it is a node of: the data directory, locked; this machine with its engine and pool;
 * and who the node is, made at its first start or told by the lab that it joins.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { factsOf } from '../agent/facts.ts';
import type { Ports } from '../agent/worker.ts';
import type { Call } from '../devices/call.ts';
import { realClock } from '../devices/clock/real.ts';
import { realHost } from '../devices/host/real.ts';
import { realRandom } from '../devices/random/real.ts';
import { joinLab } from './cluster/join.ts';
import { refuseHalfRestored } from './cluster/restore.ts';
import { ensureIdentity, hasHistory, type Identity } from './credentials.ts';
import { refuseOtherName } from './first-start.ts';
import { lockDataDir } from './lock.ts';
import { openMachine, openWitness, type Machine } from './machine.ts';
import { readNodeIni } from './node-ini.ts';
import type { DaemonContext } from './real-node.ts';
import { hasSample, isSampleDue } from './sample-memory.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';

/** What was opened, with the way back; the newest is closed first. */
export type Closing = (() => Promise<void>)[];

/** Where the node runs: a data directory that is ours alone, and a machine with what it brings. */
export interface Place {
  /** No log of a lab is here yet. */
  readonly isFirst: boolean;
  /** Who it is comes from the lab that it joins, once it can say what it is. */
  readonly isJoining: boolean;
  readonly isWitness: boolean;
  /** Undefined where it joins. */
  readonly own: Identity | undefined;
  readonly machine: Machine;
}

export async function openPlace(settings: Settings, { log, signal }: DaemonContext, closing: Closing): Promise<Place> {
  const { dataDir } = settings;
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o711);
  const lock = await lockDataDir(dataDir);
  closing.push(() => lock.release());
  await refuseHalfRestored(dataDir);
  const isFirst = !(await hasHistory(dataDir));
  const known = await readNodeIni(dataDir);
  const isJoining = settings.join !== undefined && !known && isFirst;
  const own = isJoining
    ? undefined
    : await ensureIdentity({
        dataDir,
        nodeName: settings.nodeName,
        random: realRandom,
        resetPassword: settings.resetPassword,
        isWitness: settings.witness,
        nowMs: realClock.now(),
      });
  if (own) refuseOtherName(settings, own.ini.node.name);
  const isWitness = settings.witness || known?.node.isWitness === true;
  const machine = isWitness ? openWitness(settings) : await openMachine(settings, { isFirst, log, signal });
  closing.push(() => machine.stop());
  return { isFirst, isJoining, isWitness, own, machine };
}

export interface Found {
  readonly identity: Identity;
  /** This start is to deploy the welcome app. */
  readonly isWelcomeDue: boolean;
}

/** Which lab it is a node of: its own, or the one that it joins now. */
export async function foundLab(settings: Settings, { log, signal }: DaemonContext, place: Place): Promise<Found> {
  const { dataDir } = settings;
  const { isFirst, isJoining, isWitness, machine } = place;
  if (machine.hasOtherEngine && (await hasSample(dataDir)))
    await machine
      .welcomeImage({ signal, timeoutMs: 120_000, progress: () => {} })
      .catch((error: unknown) => log.warn({ error: String(error) }, 'the image of the welcome app could not be made'));
  const identity = place.own ?? (await joinAsNode(settings, machine.ports, { log, signal }));
  const wanted = settings.sample && !isJoining && !isWitness;
  return { identity, isWelcomeDue: await isSampleDue(dataDir, { isFirst, wanted }) };
}

const quietCall = (signal: AbortSignal): Call => ({ signal, timeoutMs: 15_000, progress: () => {} });

/** At the lab that a person has named. */
async function joinAsNode(
  settings: Settings,
  ports: Omit<Ports, 'backups' | 'blobs' | 'clock' | 'handover' | 'images' | 'logins' | 'sources'>,
  { log, signal }: Pick<DaemonContext, 'log' | 'signal'>,
): Promise<Identity> {
  const { dataDir, join: lab, nodeName: name, nodeListen, labels } = settings;
  if (!lab) throw new Error('there is nothing to join');
  const facts = await factsOf(ports, version, quietCall(signal));
  const port = nodeListen.find((listen) => listen.port !== 0)?.port ?? 7401;
  const addresses = await nodeAddressesOf(settings);
  const { ini } = await joinLab({
    dataDir,
    lab,
    name,
    addresses,
    port,
    facts,
    labels,
    isWitness: settings.witness,
    clock: realClock,
    random: realRandom,
    signal,
    onWaiting: () => log.warn(`an administrator of the lab has to let this machine in: floatlab node approve ${name}`),
  });
  return { ini, newPassword: undefined };
}

/** By which other nodes reach this one. */
export async function nodeAddressesOf({ advertise }: Settings): Promise<readonly string[]> {
  if (advertise.length > 0) return advertise;
  return (await realHost().facts(quietCall(new AbortController().signal))).addresses;
}
