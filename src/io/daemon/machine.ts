/**
 * What this machine brings: a container engine and a pool, found or made. A witness brings nothing but itself: it decides
 * with the others, and needs neither.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Ports } from '../agent/worker.ts';
import type { Call } from '../devices/call.ts';
import { realClock } from '../devices/clock/real.ts';
import { dockerOverSocket } from '../devices/docker/real.ts';
import { realContent } from '../devices/content/real.ts';
import { realFiles } from '../devices/files/real.ts';
import { realTree } from '../devices/tree/real.ts';
import { realHost } from '../devices/host/real.ts';
import { realMarks } from '../devices/marks/real.ts';
import { noPools } from '../devices/pools/node-pools.ts';
import { replicationByPool } from '../devices/replication/by-pool.ts';
import { btrfsVolumes } from '../devices/volumes/btrfs/real.ts';
import type { Readiness } from '../http/parts.ts';
import { chooseEngine, chosenDocker } from './choose-engine.ts';
import { startOwnEngine, type Engine } from './engine.ts';
import { keepEngine } from './engine-keeper.ts';
import { rememberEngine } from './engine-memory.ts';
import { ownFolders } from './own-folders.ts';
import { openPools } from './pools.ts';
import type { Settings } from './settings.ts';
import { ensureWelcomeImage } from './welcome-image.ts';

export interface Machine {
  readonly ports: Omit<Ports, 'backups' | 'blobs' | 'clock' | 'handover' | 'images' | 'logins' | 'sources'>;
  /** Another engine than before: what was in the old one is not here. */
  readonly hasOtherEngine: boolean;
  readonly notes: readonly string[];
  welcomeImage(call: Call): Promise<void>;
  /** Undefined where there is no engine to wait for. */
  ready: (() => Promise<Readiness>) | undefined;
  stop(): Promise<void>;
}

/** @throws IoError */
export async function openMachine(
  settings: Settings,
  { isFirst, log, signal }: { readonly isFirst: boolean; readonly log: Logger; readonly signal: AbortSignal },
): Promise<Machine> {
  const { dataDir } = settings;
  const told = { info: (message: string) => log.info(message), warn: (message: string) => log.warn(message) };
  const { pools, poolSizeBytes: sizeBytes } = settings;
  const {
    volumes,
    replication,
    pools: nodePools,
    notes,
  } = await openPools({ dataDir, pools, sizeBytes, clock: realClock, log: told, signal });
  const choice = await chooseEngine({
    dataDir,
    wanted: settings.engine,
    environment: process.env,
    hasHistory: !isFirst,
    log: told,
    signal,
  });
  if (choice.note !== undefined) log.warn(choice.note);
  const startEngine = (abort: AbortSignal): Promise<Engine> => startOwnEngine({ dataDir, log: told, signal: abort });
  if (choice.engine.kind === 'own') await startEngine(signal);
  await rememberEngine(dataDir, choice.engine);
  const docker = chosenDocker(choice);
  const isOwn = choice.engine.kind === 'own';
  const keeper = isOwn ? keepEngine({ docker, restart: startEngine, clock: realClock, log }) : undefined;
  return {
    ports: {
      docker,
      volumes,
      replication,
      pools: nodePools,
      files: realFiles(() => ownFolders(dataDir, nodePools.list())),
      tree: realTree,
      host: realHost(),
      marks: realMarks,
      content: realContent(),
    },
    hasOtherEngine: choice.isOther,
    notes: [...(choice.note === undefined ? [] : [choice.note]), ...notes],
    welcomeImage: (call) => ensureWelcomeImage(docker, {}, call),
    ready: async () => {
      const call = { signal: AbortSignal.timeout(5000), timeoutMs: 5000, progress: () => {} };
      return docker.info(call).then(
        () => ({ name: 'engine', ok: true }),
        (error: unknown) => ({ name: 'engine', ok: false, detail: String(error) }),
      );
    },
    stop: async () => keeper?.stop(),
  };
}

/** Whatever asks for an engine hears that there is none. */
export const openWitness = ({ dataDir }: Settings): Machine => ({
  ports: {
    docker: dockerOverSocket({ socketPath: join(dataDir, 'no-engine.sock') }),
    volumes: btrfsVolumes({ pools: [] }),
    replication: replicationByPool([]),
    pools: noPools,
    files: realFiles(),
    tree: realTree,
    host: realHost(),
    marks: realMarks,
    content: realContent(),
  },
  hasOtherEngine: false,
  notes: [],
  welcomeImage: () => Promise.reject(new Error('a witness runs no apps')),
  ready: undefined,
  stop: () => Promise.resolve(),
});
