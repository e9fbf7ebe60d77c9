/** What a piece of work is given, and what it gives back. A missing worker does not compile. */
import type { Command } from '#actors/commands.ts';
import type { WorkName, WorkOrder } from '#actors/work.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import type { FilesPort } from '../devices/files/port.ts';
import type { IoError } from '../devices/error.ts';
import type { HostPort } from '../devices/host/port.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import type { Leftovers } from './leftovers.ts';

export interface Ports {
  readonly docker: DockerPort;
  readonly volumes: VolumePort;
  readonly files: FilesPort;
  readonly host: HostPort;
  readonly clock: Clock;
  /** Bundles of apps. */
  readonly blobs: { get(ref: string): Promise<Uint8Array> };
}

export interface Run extends Call {
  /** @throws IoError FENCED once the order is no longer what the lab wants; called before every effect */
  fence(): void;
  /** Says something before the end, for work that goes on. */
  report(command: Command): Promise<void>;
  /** Whether what is in the way may be removed (see `leftovers.ts`); absent where nothing is made. */
  readonly leftovers?: Pick<Leftovers, 'isContainer' | 'isNetwork'>;
}

/** Runs the order to its end and gives the outcome; rejects with IoError. Whatever an earlier run left is taken up. */
export type Worker<W extends WorkName> = (order: WorkOrder<W>, ports: Ports, run: Run) => Promise<Command>;
export type Workers = { readonly [W in WorkName]: Worker<W> };

/** What is said when an order cannot be carried out; undefined or null: it is tried on, because giving up would be a lie. */
export type Failures = {
  readonly [W in WorkName]: ((order: WorkOrder<W>, error: IoError) => Command | undefined) | null;
};
