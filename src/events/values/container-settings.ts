/**
 * How a container is run, apart from what is in it and where it is: as whom, with which rights, limits and devices, and
 * by which names it knows others. What is left out is as the image or the engine says.
 */
export interface ContainerSettings {
  readonly user?: string;
  /** Further groups of the user, by name or number. */
  readonly groups?: readonly string[];
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly domainName?: string;
  /** A small init process reaps what others leave behind. */
  readonly init?: boolean;
  readonly tty?: boolean;
  readonly stdinOpen?: boolean;
  readonly stopSignal?: string;
  /** How long it may take to end by itself before it is killed. */
  readonly stopGraceMs?: number;

  readonly privileged?: boolean;
  readonly readOnlyRoot?: boolean;
  /** Without `CAP_`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOptions?: readonly string[];
  /** Namespaces that are not its own. */
  readonly ipc?: 'host' | 'none' | 'private' | 'shareable';
  readonly pid?: 'host';
  readonly uts?: 'host';
  readonly cgroup?: 'host' | 'private';
  readonly userns?: 'host';
  /** In place of the networks of the app: that of the node, none, or that of another service. */
  readonly network?: 'host' | 'none' | `service:${string}`;

  readonly devices?: readonly DeviceMapping[];
  readonly deviceCgroupRules?: readonly string[];
  readonly gpus?: readonly GpuRequest[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** Options by path; empty for the usual ones. */
  readonly tmpfs?: Readonly<Record<string, string>>;

  /** Parts of a processor. */
  readonly cpus?: number;
  readonly cpuShares?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  /** `0-3,5` */
  readonly cpuset?: string;
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory and swap together; -1: no limit. */
  readonly memorySwapBytes?: number;
  readonly memorySwappiness?: number;
  readonly oomScoreAdjust?: number;
  readonly oomKillDisable?: boolean;
  /** -1: no limit. */
  readonly pidsLimit?: number;
  readonly shmBytes?: number;
  readonly storageOptions?: Readonly<Record<string, string>>;
  readonly runtime?: string;

  readonly dns?: readonly string[];
  readonly dnsOptions?: readonly string[];
  readonly dnsSearch?: readonly string[];
  /** `name:address` */
  readonly extraHosts?: readonly string[];
  /** Names beside that of the service, in the network of the app. */
  readonly aliases?: readonly string[];
  /** Ports that are told of and published nowhere: `8080/tcp`. */
  readonly expose?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly logging?: { readonly driver?: string; readonly options: Readonly<Record<string, string>> };
}

export interface DeviceMapping {
  /** On the node. */
  readonly path: string;
  readonly target: string;
  /** Of `r`, `w` and `m`. */
  readonly permissions: string;
}

export interface GpuRequest {
  readonly driver?: string;
  /** -1: all. */
  readonly count?: number;
  readonly ids?: readonly string[];
  readonly capabilities: readonly string[];
}
