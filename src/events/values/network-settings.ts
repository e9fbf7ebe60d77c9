/** A network of an app as its file describes it, and how a container is in it. What is left out is the engine's choice. */
export interface NetworkSettings {
  /** As the engine calls it; without one `<app>_<key>`. */
  readonly name?: string;
  /** Somebody else has made it: it has to be there, and it is never changed or removed. */
  readonly external?: boolean;
  readonly driver?: 'bridge' | 'ipvlan' | 'macvlan';
  readonly options?: Readonly<Record<string, string>>;
  /** Nothing gets out of it. */
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly subnets?: readonly Subnet[];
}

/** Addresses and prefixes as text: `172.28.0.0/16`, `172.28.0.1`. */
export interface Subnet {
  readonly subnet: string;
  /** From which the engine gives addresses. */
  readonly range?: string;
  readonly gateway?: string;
  /** Addresses that it gives nobody, by the name of who has them. */
  readonly reserved?: Readonly<Record<string, string>>;
}

export interface EndpointSettings {
  /** Names beside that of the service. */
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocal?: readonly string[];
  readonly mac?: string;
  readonly options?: Readonly<Record<string, string>>;
}
