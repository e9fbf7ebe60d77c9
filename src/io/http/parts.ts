/** What the routes and the live protocol share: the lab, who may speak to it, and the ports they need. */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { BackupFiles } from '../agent/backup-files.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import type {
  AppContainers,
  ClusterPort,
  LabPort,
  NodeAdoption,
  NodeDisks,
  NodeVolumes,
  SnapshotPort,
  VolumeFiles,
} from '../lab/port.ts';
import type { VaultPort } from '../lab/vaults.ts';
import type { Account } from './auth/account.ts';
import type { SignInLimiter } from './auth/limiter.ts';
import type { Session, Sessions } from './auth/sessions.ts';
import type { Hubs } from './live/hub.ts';
import type { Simulation } from './routes/simulation.ts';

export interface Readiness {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, in a sentence; shown only to who is signed in. */
  readonly detail?: string;
}

/** Where the bytes of people's files are. */
export interface Blobs {
  get(ref: string): Promise<Uint8Array>;
}

/** Of backups what is in no row. */
export interface BackupsPort {
  readonly files: BackupFiles;
  /** Undefined in a lab of which nothing is kept. */
  readonly kit?: () => Promise<string>;
  /** Places that are lent to other labs. */
  readonly vaults?: VaultPort;
}

export interface Parts {
  readonly lab: LabPort;
  readonly containers: AppContainers;
  /** Undefined where nodes have no disks to speak of. */
  readonly disks?: NodeDisks | undefined;
  /** Undefined where nodes have no engines to speak of. */
  readonly adoption?: NodeAdoption | undefined;
  /** Undefined where nothing has volumes. */
  readonly adoptable?: NodeVolumes | undefined;
  /** Undefined where nothing has volumes. */
  readonly files: VolumeFiles | undefined;
  /** Undefined where all nodes share one log, as in a simulated lab. */
  readonly cluster: ClusterPort | undefined;
  /** Undefined in a lab of which nothing is kept. */
  readonly snapshots: SnapshotPort | undefined;
  /** Undefined where nothing has volumes. */
  readonly backups?: BackupsPort | undefined;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly account: Account;
  readonly sessions: Sessions;
  readonly limiter: SignInLimiter;
  readonly hubs: Hubs;
  /** Aborts when the server closes: whoever waits for something stops waiting. */
  readonly stopping: AbortSignal;
  /** Undefined in a real lab. */
  readonly simulation: Simulation | undefined;
  /** What collectors of figures show; without one they need a session. */
  readonly metricsToken: string | undefined;
  ready(): Promise<readonly Readiness[]>;
  metrics(): Promise<string>;
}

export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** Undefined on open routes when nobody is signed in. */
    session: Session | undefined;
  };
}
export type RouteContext = Context<HttpEnv>;

/** Of a route that is not open: the table's guard has seen to it. */
export function sessionOf(c: RouteContext): Session {
  const session = c.get('session');
  if (!session) throw new Error(`${c.req.path} was reached without a session`);
  return session;
}
