/**
 * A container as its engine describes it, in the words that a compose file has for it. What the engine sets by itself
 * (`usual`) and what the image brings (`ImageDefaults`) is in it as well: whoever compares or writes a file leaves that out.
 */
import type { Propagation, PublishedPort } from '#events/app.ts';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import type { EndpointSettings } from '#events/values/network-settings.ts';
import type { BundleService } from '../model.ts';

export interface InspectedMount {
  readonly kind: 'bind' | 'volume' | 'tmpfs' | 'other';
  /** Absolute path on the node; empty where nothing of it lies there. */
  readonly source: string;
  /** Of a volume of the engine. */
  readonly volume?: string;
  /** Other than `local`: what is behind it only that plug-in knows. */
  readonly driver?: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Of a bind, other than the usual `rprivate`. */
  readonly propagation?: Propagation;
}

export interface Inspection {
  readonly id: string;
  readonly name: string;
  /** As it was asked for. */
  readonly image: string;
  readonly imageId: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** `KEY=value` */
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck?: NonNullable<BundleService['healthcheck']>;
  readonly restart: {
    readonly condition: 'no' | 'on-failure' | 'always' | 'unless-stopped';
    readonly maxRetries?: number;
  };
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly InspectedMount[];
  /** How it is in its networks, by their names; addresses only where somebody chose them. */
  readonly networks: Readonly<Record<string, EndpointSettings>>;
  readonly settings: ContainerSettings;
  /** What it has and no key of a compose file that FloatLab reads could say: `HostConfig.VolumesFrom`. */
  readonly unread: readonly string[];
}

/** What an image brings: a container has it without being told. */
export interface ImageDefaults {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck?: NonNullable<BundleService['healthcheck']>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly stopSignal?: string;
  /** `80/tcp` */
  readonly exposed: readonly string[];
  /** Paths for which the engine makes a volume without a name. */
  readonly volumes: readonly string[];
}

export const noDefaults: ImageDefaults = { environment: [], labels: {}, exposed: [], volumes: [] };
