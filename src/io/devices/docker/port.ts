/**
 * What FloatLab needs of a container engine. Implemented over dockerode (`real.ts`) and by the simulated twin
 * (`sim.ts`); one contract suite, `test/contracts/docker.ts`, holds for both.
 *
 * Laws: rejects with IoError only; start, stop and remove are idempotent; containers are created with the engine's
 * restart policy `no`, because the agent restarts (an engine that restarts by itself would run apps that the lab has
 * meanwhile given to another node).
 *
 * An engine carries on what it has begun, whether anybody still waits or not. What makes something (`ensureNetwork`,
 * `create`, `connect`, `start`) is therefore not cancelled once it has begun: it is answered when the engine has answered, or when
 * its time is over, so that whoever cancelled it knows what there is.
 */
import type { Propagation } from '#events/app.ts';
import type { ImageDefaults, Inspection } from '#actors/compose/inspected/inspection.ts';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import type { EndpointSettings, NetworkSettings } from '#events/values/network-settings.ts';
import type { Call } from '../call.ts';

export interface EngineInfo {
  readonly name: string;
  readonly version: string;
  /**
   * When the engine was started, by its own clock, in milliseconds since 1970; undefined where it does not tell. What
   * ended while it was away did not end by itself.
   */
  readonly startedAt: number | undefined;
}

export interface ImageFacts {
  readonly id: string;
  /** Names that it has here, sorted: `nginx:1.27`. One without is known by its id, and perhaps by digests. */
  readonly tags: readonly string[];
  /** By which registries know it: `nginx@sha256:…`, sorted. None: it was built, imported or loaded. */
  readonly repoDigests: readonly string[];
  /** When it was made, in milliseconds since 1970; undefined where it does not tell. */
  readonly createdAt: number | undefined;
  readonly sizeBytes: number;
}

export interface ImageInfo extends ImageFacts {
  /** The healthcheck that the image declares, if any. */
  readonly hasHealthcheck: boolean;
}

/** What a registry asks of whoever pulls. Never logged, and in no message. */
export interface RegistryLogin {
  /** As references begin with it; `docker.io` for the one that is meant where none is named. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

export interface Healthcheck {
  /** `['NONE']`, `['CMD', …]` or `['CMD-SHELL', '…']`. */
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  /** Between two checks in that time; engines before 25 take the usual interval. */
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface ContainerMount {
  /** Absolute path on the node. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** How mounts that come and go below it are seen on the other side; left out: not at all, as engines do it. */
  readonly propagation?: Propagation;
}

export interface ContainerPort {
  readonly hostIp?: string;
  readonly published: number;
  readonly target: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** `KEY=value`; `KEY` alone is unset. */
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly ContainerPort[];
  readonly mounts: readonly ContainerMount[];
  readonly healthcheck?: Healthcheck;
  /** It is made in the first, which also leads out of it; `connect` puts it into the others. None: `settings.network`. */
  readonly networks: readonly ContainerNetwork[];
  readonly settings?: ContainerSettings;
  /** Id of the container whose network it shares; it is in none of `networks` then. */
  readonly networkOf?: string;
}

/** A network by its name, and how a container is in it. */
export interface ContainerNetwork extends EndpointSettings {
  readonly name: string;
}

export interface NetworkSpec {
  readonly name: string;
  /** Whose it is: one of this name without them is somebody else's. */
  readonly labels: Readonly<Record<string, string>>;
  /** Further labels of one that is made; nobody is asked for them. */
  readonly notes?: Readonly<Record<string, string>>;
  readonly settings?: Omit<NetworkSettings, 'name' | 'external'>;
}

export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'created' | 'running' | 'paused' | 'exited' | 'dead';
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** The one in force: what the specification leaves open is the image's. */
  readonly healthcheck: Healthcheck | undefined;
  readonly exitCode: number | undefined;
  /** Milliseconds since 1970; undefined when it never ran. */
  readonly startedAt: number | undefined;
  readonly oomKilled: boolean;
  readonly restartPolicy: string;
  /** Names of those that it is in, sorted. */
  readonly networks: readonly string[];
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** Milliseconds since 1970, by the engine. */
  readonly at: number;
  /** Without its line end. */
  readonly text: string;
}

export interface LogOptions {
  readonly follow: boolean;
  /** The last n lines; all when undefined. */
  readonly tail?: number;
  readonly sinceMs?: number;
  /** Called once while it is followed: all lines that were there at the call have been given, what comes now is new. */
  caughtUp?(): void;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly user?: string;
  readonly workingDir?: string;
}

export interface ExecSession {
  /** Ends when the command has ended. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  /** Resolves once the engine has taken them, or never will: whoever has more waits, so that nothing piles up here. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  resize(columns: number, rows: number): Promise<void>;
  readonly exitCode: Promise<number>;
  /** The command is told as one whose terminal was closed; `kill`: it is not asked. */
  close(how?: 'kill'): void;
}

export interface ContainerStats {
  /** Cores in use: 1.5 is one and a half. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
}

/** Labels and their values; `null`: whatever the value is. */
export type LabelFilter = Readonly<Record<string, string | null>>;

export interface NetworkInfo {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EngineEvent {
  readonly at: number;
  readonly action: 'start' | 'die' | 'destroy' | 'health' | 'oom' | 'other';
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DockerPort {
  /** @throws ENGINE_UNREACHABLE */
  info(call: Call): Promise<EngineInfo>;
  /** @param reference a name with a tag or a digest, or an id */
  image(reference: string, call: Call): Promise<ImageInfo | undefined>;
  /** All that have a name, a digest or a container, sorted by id. */
  images(call: Call): Promise<readonly ImageFacts[]>;
  /** Progress in bytes over all layers. @throws IMAGE_NOT_FOUND, IMAGE_PULL_FAILED */
  pull(reference: string, call: Call, login?: RegistryLogin): Promise<void>;
  /**
   * What its registry has under a reference: the digest of the manifest, or of the list of manifests, `sha256:…`.
   * @throws IMAGE_NOT_FOUND, IMAGE_PULL_FAILED
   */
  registryDigest(reference: string, call: Call, login?: RegistryLogin): Promise<string>;
  /** One more name for an image; another image of that name loses it. @throws IMAGE_NOT_FOUND */
  tagImage(id: string, reference: string, call: Call): Promise<void>;
  /** Of one that is not there: done. @throws BUSY while a container is of it */
  removeImage(reference: string, call: Call): Promise<void>;
  /**
   * The image as a tar, layer by layer as the reader takes it; its digests are not in there.
   * @param id of the image: what is saved by a name would bring that name along @throws IMAGE_NOT_FOUND
   */
  saveImage(id: string, call: Call): Promise<AsyncIterable<Uint8Array>>;
  /** Takes in what `saveImage` gave. A tar that ends early, or whose reading fails, leaves no image. @throws DAMAGED */
  loadImage(tar: AsyncIterable<Uint8Array>, call: Call): Promise<void>;
  /** Makes an image of one layer from a tar of a root file system. `changes` are Dockerfile lines: CMD, EXPOSE, … */
  importImage(tar: AsyncIterable<Uint8Array>, reference: string, changes: readonly string[], call: Call): Promise<void>;
  /**
   * What an image has in a folder, as a tar whose first entry is the folder itself.
   * @param path absolute @returns undefined when the image has no folder there @throws IMAGE_NOT_FOUND
   */
  imageFolder(reference: string, path: string, call: Call): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Made, or there already with these labels, whatever its settings.
   * @throws NAME_IN_USE when one of that name lacks the labels: it is somebody else's
   */
  ensureNetwork(spec: NetworkSpec, call: Call): Promise<void>;
  /** Of a network that is not there, or lacks these labels: done. @throws BUSY while running containers are in it */
  removeNetwork(name: string, labels: Readonly<Record<string, string>>, call: Call): Promise<void>;
  /** That carry all these labels, sorted by name. */
  networks(labels: LabelFilter, call: Call): Promise<readonly NetworkInfo[]>;
  /** Running or not, that carry all these labels, sorted by name. */
  containers(labels: LabelFilter, call: Call): Promise<readonly ContainerInfo[]>;
  inspect(id: string, call: Call): Promise<ContainerInfo | undefined>;
  /** All that a compose file could say of it. */
  examine(id: string, call: Call): Promise<Inspection | undefined>;
  /** What a container has of its image without being told. @param image a reference, or its id with `sha256:` */
  imageDefaults(image: string, call: Call): Promise<ImageDefaults | undefined>;
  /** @throws NAME_IN_USE, IMAGE_NOT_FOUND @returns the id */
  create(spec: ContainerSpec, call: Call): Promise<string>;
  /** Puts it into one more network; of one that it is in: done. @throws MISSING */
  connect(id: string, network: ContainerNetwork, call: Call): Promise<void>;
  /** @throws PORT_IN_USE, CONTAINER_FAILED, MISSING */
  start(id: string, call: Call): Promise<void>;
  /** Stops in order, kills after `graceMs`. Of one that is not running or not there: done. */
  stop(id: string, graceMs: number, call: Call): Promise<void>;
  remove(id: string, call: Call): Promise<void>;
  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  exec(id: string, options: ExecOptions, call: Call): Promise<ExecSession>;
  stats(id: string, call: Call): Promise<ContainerStats>;
  /** From now on, until the signal aborts. @throws ENGINE_UNREACHABLE when the engine goes away */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>;
}
