/**
 * Wires a lab together from its parts: the same for a real node, for a simulated lab that a person looks at, and for
 * the simulation in the tests. What it is given decides what is real.
 */
import type { Logger } from 'pino';
import { streamOf, type StreamId } from '#events/envelope.ts';
import { Agent } from '../agent/agent.ts';
import { Attester } from '../agent/attester.ts';
import type { AdoptionPorts } from '../agent/adoption/adoption.ts';
import { appContainers } from '../agent/app-containers.ts';
import { backupFiles, type BackupFiles } from '../agent/backup-files.ts';
import { ChangeWatch } from '../agent/change-watch.ts';
import { VolumeLooks } from '../agent/volume-looks.ts';
import { Handover } from '../agent/handover.ts';
import { ImageChecks } from '../agent/images/checks.ts';
import { registryLogins } from '../agent/images/logins.ts';
import { Prefetch } from '../agent/images/prefetch.ts';
import { imagesAmong } from '../agent/images/source.ts';
import { Presence, type NodeLink } from '../agent/presence.ts';
import { ReplicaLag, type Boot } from '../agent/replica-lag.ts';
import { replicaSource } from '../agent/replica-source.ts';
import { volumeFiles, type FilesPorts } from '../agent/volume-files.ts';
import type { Ports } from '../agent/worker.ts';
import type { AttestationStore } from '../devices/attestations/port.ts';
import { backupKeyOf } from '../devices/backup/format/keys.ts';
import type { BackupTargets } from '../devices/backup/targets/port.ts';
import { realTargets } from '../devices/backup/targets/real.ts';
import type { PlacesPort } from '../devices/places/port.ts';
import type { Random } from '../devices/random/port.ts';
import type { Clock } from '../devices/clock/port.ts';
import { nodeDisks, remoteDisks } from '../lab/disks.ts';
import { nodeVolumes, remoteVolumes } from '../lab/volume-candidates.ts';
import { nodeAdoption, remoteAdoption } from '../lab/adoption.ts';
import type { AppContainers, NodeAdoption, NodeDisks, NodeVolumes, VolumeFiles } from '../lab/port.ts';
import type { Folded } from '../lab/folded.ts';
import { remoteContainers } from '../lab/remote-containers.ts';
import { remoteFiles } from '../lab/remote-files.ts';
import { remoteImages } from '../lab/remote-images.ts';
import { vaults, type VaultPort } from '../lab/vaults.ts';
import { remoteStores } from '../lab/remote-stores.ts';
import { remoteStreams } from '../lab/remote-streams.ts';
import { RunningLab } from '../lab/running.ts';
import type { SharedBlobs } from '../lab/shared-blobs.ts';
import { StateDatabase } from '../lab/state.ts';
import { openSingleLog } from '../log/single/open.ts';
import type { Watermark } from '../log/single/watermark.ts';
import type { BlobStore } from '../stores/blobs.ts';
import type { Store } from '../stores/port.ts';
import type { AmongOthers } from './cluster/node.ts';
import type { NodeIni } from './node-ini.ts';

export interface NodeParts {
  readonly id: string;
  readonly name: string;
  readonly ports: Omit<Ports, 'backups' | 'blobs' | 'clock' | 'handover' | 'images' | 'logins' | 'sources'>;
  readonly link?: NodeLink;
  /** Of its machine. */
  readonly boot: Boot;
  readonly attestations: AttestationStore;
  /** Paths that others look after. */
  readonly places: PlacesPort;
}

/** What a lab is read from. */
export interface LabStores {
  readonly logStore: Store;
  readonly watermark: Watermark;
  readonly stateStore: Store;
  /** Changes whenever the machine starts. */
  readonly bootId: string;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Nothing can be trusted any more: end the process. */
  onBroken(error: unknown): void;
  /** The other nodes folded the history to another state: stop, and begin anew. */
  onDiverged?(explain: string): void;
}

export interface LabWiring extends LabStores {
  readonly version: string;
  /** Name and time zone of the lab, for its first start. */
  readonly labName: string;
  readonly timeZone: string;
  readonly nodes: readonly NodeParts[];
  /** Where the backups of a node go. */
  backups(node: Pick<NodeParts, 'name'>): BackupTargets;
}

type NodeServices = Pick<LabWiring, 'clock' | 'random' | 'log' | 'blobs' | 'version'> & {
  /** Of the nodes that run here. */
  readonly attesters: Map<StreamId<'node'>, Attester>;
};

/** What of a node runs here: its presence and its agent. */
export interface NodeRun {
  /** As its daemon does when its machine starts. */
  start(): Promise<void>;
  /** It says no more that it is there; its agent goes on. */
  hush(): Promise<void>;
  /** It falls silent; its apps go on. Of one that is stopped: done. */
  stop(): Promise<void>;
}

export interface WiredLab {
  readonly lab: RunningLab;
  readonly containers: AppContainers;
  readonly files: VolumeFiles;
  readonly disks: NodeDisks;
  readonly adoptable: NodeVolumes;
  readonly adoption: NodeAdoption;
  readonly backupFiles: BackupFiles;
  readonly vaults: VaultPort;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRun>;
  /** Whether this start created the lab. */
  readonly isNew: boolean;
  /** Of a node among others: tells them that it stops on purpose, before it does. Never rejects. */
  goodbye(): Promise<void>;
  /** Stops in order; apps go on. */
  stop(): Promise<void>;
}

export async function wireLab(wiring: LabWiring): Promise<WiredLab> {
  const { log } = wiring;
  const [first] = wiring.nodes;
  const { lab, stops } = await opened({ ...wiring, ...(first ? { node: first.id } : {}) });
  const isNew = lab.index === 0;
  try {
    if (isNew) await createLab(lab, wiring);
    lab.lead();
    const dockers = new Map<StreamId<'node'>, Ports['docker']>();
    const trees = new Map<StreamId<'node'>, FilesPorts>();
    const nodes = new Map<string, NodeRun>();
    const replications = new Map(wiring.nodes.map(({ id, ports }) => [streamOf('node', id), ports.replication]));
    const attesters: NodeServices['attesters'] = new Map();
    const sources = replicaSource(
      lab.view,
      (node) => replications.get(node),
      wiring.clock,
      (node) => attesters.get(node),
    );
    for (const parts of wiring.nodes) {
      dockers.set(streamOf('node', parts.id), parts.ports.docker);
      const handover = new Handover(wiring.clock);
      trees.set(streamOf('node', parts.id), { ...parts.ports, handover });
      const backups = wiring.backups(parts);
      const images = imagesAmong(lab.view, streamOf('node', parts.id), (of) => dockers.get(of));
      const node = nodeRun(parts, lab, { ...wiring, attesters }, { handover, images, sources, backups });
      nodes.set(parts.name, node);
      stops.push(() => node.stop());
      await node.start();
    }
    return {
      lab,
      containers: appContainers(lab.view, (node) => dockers.get(node)),
      files: volumeFiles(lab.view, (node) => trees.get(node)),
      disks: nodeDisks((node) => wiring.nodes.find(({ id }) => streamOf('node', id) === node)?.ports.pools),
      adoptable: nodeVolumes((node) => wiring.nodes.find(({ id }) => streamOf('node', id) === node)?.ports.volumes),
      adoption: nodeAdoption((node) => adoptionPorts(wiring.nodes.find(({ id }) => streamOf('node', id) === node))),
      backupFiles: backupFiles(lab.view, { backups: wiring.backups(first ?? { name: 'nobody' }), blobs: wiring.blobs }),
      vaults: vaults({ lab: lab.view, backups: wiring.backups(first ?? { name: 'nobody' }), clock: wiring.clock }),
      nodes,
      isNew,
      goodbye: () => Promise.resolve(),
      stop: () => stopAll(stops, log),
    };
  } catch (error) {
    await stopAll(stops, log);
    throw error;
  }
}

export interface NodeWiring extends Omit<
  LabWiring,
  'nodes' | 'backups' | 'logStore' | 'watermark' | 'stateStore' | 'bootId' | 'blobs'
> {
  readonly blobs: SharedBlobs;
  readonly node: NodeParts;
  readonly state: StateDatabase;
  /** As `state.load()` gave it. */
  readonly folded: Folded;
  readonly among: AmongOthers;
  /** As it is now. */
  ini(): NodeIni;
}

/** One node of a lab: it folds the log that all share, and does its own part. */
export async function wireNode(wiring: NodeWiring): Promise<WiredLab> {
  const { log, node, among, state, folded, clock, random, blobs } = wiring;
  const eventLog = among.nodeLog.log;
  const { others } = among;
  const lab = await RunningLab.open({ ...wiring, eventLog, state, folded, others, voters: among.voters });
  const stops: (() => Promise<void>)[] = [
    () => state.close(),
    () => eventLog.close(),
    () => among.stop(),
    () => lab.close(),
  ];
  try {
    among.attach(lab, () => wiring.ini(), blobs);
    const isNew = among.begins === 'found' && lab.index === 0;
    if (isNew) await createLab(lab, wiring);
    lab.lead();
    const handover = new Handover(clock);
    const self = streamOf('node', node.id);
    const attesters: NodeServices['attesters'] = new Map();
    const ownSource = replicaSource(
      lab.view,
      (of) => (of === self ? node.ports.replication : undefined),
      clock,
      (of) => attesters.get(of),
    );
    const sources = remoteStreams({ local: ownSource, lab: lab.view, others, clock });
    const backups = realTargets({
      ...{ clock, random, self, by: node.name },
      key: () => backupKeyOf(wiring.ini().lab.dataKey),
      volumes: node.ports.volumes,
      elsewhere: remoteStores({ lab: lab.view, others, volumes: node.ports.volumes }),
    });
    const services = { clock, random, log, blobs, version: wiring.version, attesters };
    const images = remoteImages({ docker: node.ports.docker, lab: lab.view, others, clock });
    const run = nodeRun(node, lab, services, { handover, images, sources, backups });
    stops.push(() => run.stop());
    await run.start();
    const local = appContainers(lab.view, (of) => (of === self ? node.ports.docker : undefined));
    const here = { ...node.ports, handover };
    const localFiles = volumeFiles(lab.view, (of) => (of === self ? here : undefined));
    return {
      lab,
      containers: remoteContainers({ local, lab: lab.view, others }),
      files: remoteFiles({ local: localFiles, lab: lab.view, others }),
      disks: remoteDisks({
        local: nodeDisks((of) => (of === self ? node.ports.pools : undefined)),
        lab: lab.view,
        others,
      }),
      adoptable: remoteVolumes({
        local: nodeVolumes((of) => (of === self ? node.ports.volumes : undefined)),
        lab: lab.view,
        others,
      }),
      adoption: remoteAdoption({
        local: nodeAdoption((of) => (of === self ? adoptionPorts(node) : undefined)),
        lab: lab.view,
        others,
      }),
      backupFiles: backupFiles(lab.view, { backups, blobs }),
      vaults: vaults({ lab: lab.view, backups, clock }),
      nodes: new Map([[node.name, run]]),
      isNew,
      goodbye: async () => {
        await run.hush();
        await among.sayGoodbye();
      },
      stop: () => stopAll(stops, log),
    };
  } catch (error) {
    await stopAll(stops, log);
    throw error;
  }
}

const adoptionPorts = (node: NodeParts | undefined): AdoptionPorts | undefined =>
  node && { node: node.name, docker: node.ports.docker, volumes: node.ports.volumes, places: node.places };

async function opened(stores: LabStores & { readonly node?: string }) {
  const { clock, random, log } = stores;
  const state = new StateDatabase(stores.stateStore, stores.bootId);
  const folded = await state.load();
  const eventLog = await openSingleLog({
    store: stores.logStore,
    watermark: stores.watermark,
    heads: folded.lab.versions(),
    headsAt: folded.lab.index,
    clock,
    random,
    ...(stores.node === undefined ? {} : { node: stores.node }),
    onBroken: (error) => stores.onBroken(error),
  });
  const lab = await RunningLab.open({
    eventLog,
    state,
    folded,
    blobs: stores.blobs,
    clock,
    random,
    log,
    onBroken: stores.onBroken,
  });
  const stops: (() => Promise<void>)[] = [() => state.close(), () => eventLog.close(), () => lab.close()];
  return { lab, stops };
}

function nodeRun(
  { id, name, ports, link, boot, attestations }: NodeParts,
  lab: RunningLab,
  wiring: NodeServices,
  between: Pick<Ports, 'backups' | 'handover' | 'images' | 'sources'>,
): NodeRun {
  const { random, log, version, clock, blobs, attesters } = wiring;
  const node = streamOf('node', id);
  const full: Ports = { ...ports, ...between, clock, blobs, logins: registryLogins(lab.view, blobs) };
  let running: (() => Promise<void>)[] = [];
  let presence: Presence | undefined;
  return {
    hush: async () => presence?.stop(),
    start: async () => {
      presence = new Presence({ node, name, version, lab, ports: full, random, log, ...(link ? { link } : {}) });
      const { stop } = presence;
      running = [() => stop.call(presence)];
      await presence.start();
      const agent = new Agent({ node, lab, ports: full, random, log: log.child({ node: name }) });
      agent.start();
      running.push(() => agent.stop());
      const attester = new Attester({ lab, bootTime: boot.time, volumes: full.volumes });
      attesters.set(node, attester);
      running.push(async () => {
        attesters.delete(node);
        attester.stop();
      });
      const changes = new ChangeWatch({ node, lab, ports: full, attester, random, log: log.child({ node: name }) });
      changes.start();
      running.push(() => changes.stop());
      const lag = new ReplicaLag({
        ...{ node, lab, boot, clock, sources: full.sources, store: attestations, log: log.child({ node: name }) },
      });
      lag.start();
      running.push(() => lag.stop());
      const checks = new ImageChecks({ node, lab, ports: full, random, log: log.child({ node: name }) });
      checks.start();
      running.push(() => checks.stop());
      const prefetch = new Prefetch({ node, lab, ports: full, random, log: log.child({ node: name }) });
      prefetch.start();
      running.push(() => prefetch.stop());
      const looks = new VolumeLooks({ node, lab, ports: full, random, log: log.child({ node: name }) });
      looks.start();
      running.push(() => looks.stop());
    },
    stop: () => stopAll(running, log),
  };
}

async function createLab(
  lab: RunningLab,
  { random, labName, timeZone }: Pick<LabWiring, 'random' | 'labName' | 'timeZone'>,
): Promise<void> {
  const input = { name: labName, timeZone };
  const created = await lab.run(
    { id: random.id(), name: 'create-lab', input, by: 'system:start' },
    new AbortController().signal,
  );
  if ('rejected' in created) throw new Error(created.rejected.explain);
}

/** Newest first; one that fails does not keep the others from being stopped. */
async function stopAll(stops: (() => Promise<void>)[], log: Logger): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) {
    await stop().catch((error: unknown) => log.error({ error: String(error) }, 'a part did not stop in order'));
  }
}
