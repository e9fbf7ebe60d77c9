/**
 * The server that people, programs and the web app talk to: REST, the live endpoint, and the web app's files, on any
 * number of addresses. Plain HTTP on loopback only; everywhere else TLS, or not at all.
 */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import { IoError, type IoErrorCode } from '../devices/error.ts';
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
import { httpApp } from './app.ts';
import { Account, type Credentials } from './auth/account.ts';
import { keptInMemory, type EndedStore } from './auth/ended.ts';
import { isLoopback } from './auth/hosts.ts';
import { SignInLimiter, type SignInLimits } from './auth/limiter.ts';
import { Sessions } from './auth/sessions.ts';
import type { Signer } from './auth/signer.ts';
import { connectionLimits, Connections, type ConnectionLimits } from './connections.ts';
import { LiveServer } from './live.ts';
import { liveLimits, type LiveLimits } from './live/connection.ts';
import { Hubs } from './live/hub.ts';
import type { BackupsPort, Blobs, Parts, Readiness } from './parts.ts';
import { asksForWebSocket, readPlainly } from './plain-request.ts';
import { asProblem, fail, failed, problemResponse } from './problems.ts';
import type { Simulation } from './routes/simulation.ts';
import { limitBody } from './slow-bodies.ts';
import { webFiles } from './static/web-files.ts';

export interface Tls {
  /** PEM: the server's certificate, then those above it. */
  readonly cert: string;
  readonly key: string;
}

export interface HttpServerOptions {
  readonly lab: LabPort;
  readonly containers: AppContainers;
  readonly disks?: NodeDisks | undefined;
  readonly adoption?: NodeAdoption | undefined;
  readonly adoptable?: NodeVolumes | undefined;
  readonly files?: VolumeFiles | undefined;
  /** The nodes as a group; left out where all of them share one log, as in a simulated lab. */
  readonly cluster?: ClusterPort | undefined;
  /** Saves the lab as a file; left out where nothing is kept. */
  readonly snapshots?: SnapshotPort | undefined;
  /** Left out where nothing has volumes. */
  readonly backups?: BackupsPort | undefined;
  readonly blobs: Blobs;
  readonly credentials: Credentials;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** Where sessions that were signed out are remembered; left out: here, as long as the server runs. */
  readonly ended?: EndedStore | undefined;
  /** What this machine is called beside `localhost`; its host name when left out. */
  readonly names?: readonly string[] | undefined;
  /** Further names and addresses that people reach it by: in DNS, through a proxy. In lower case. */
  readonly hostNames?: readonly string[] | undefined;
  /** Needed as soon as one address is not loopback. */
  readonly tls?: Tls | undefined;
  /** Of a simulated lab: what can be done to its machines. */
  readonly simulation?: Simulation | undefined;
  /** Opens `/metrics`, and nothing else. */
  readonly metricsToken?: string | undefined;
  /** Folder of the built web app. */
  readonly webRoot: string;
  readonly log: Logger;
  ready(): Promise<readonly Readiness[]>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** For tests. */
  readonly limits?: {
    readonly signIn?: SignInLimits;
    readonly connections?: Partial<ConnectionLimits>;
    readonly live?: Partial<LiveLimits>;
    readonly ringRows?: number;
  };
}

export interface HttpServer {
  /** Where it can be reached, for a person. */
  readonly urls: string[];
  /** New connections see the new certificate; those that there are go on. */
  setTls(tls: Tls): void;
  /** Ends connections in order; whoever does not want to end is cut off after a few seconds. */
  close(): Promise<void>;
}

const closeWithinMs = 5000;

/** @throws IoError PORT_IN_USE, PERMISSION, INVALID; then nothing listens */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { lab, clock, random, credentials, log, tls } = options;
  for (const { host } of options.listen) if (!isLoopback(host) && !tls) throw needsTls(host);

  const names = {
    own: new Set((options.names ?? [hostname()]).map((name) => name.toLowerCase())),
    given: new Set(options.hostNames),
  };
  const shown = [...new Set([...names.given, ...names.own])];
  const stop = new AbortController();
  const account = new Account(credentials);
  const parts: Parts = {
    lab,
    containers: options.containers,
    disks: options.disks,
    adoption: options.adoption,
    adoptable: options.adoptable,
    files: options.files,
    cluster: options.cluster,
    snapshots: options.snapshots,
    backups: options.backups,
    blobs: options.blobs,
    clock,
    random,
    log,
    account,
    sessions: new Sessions({
      signer: options.signer,
      account,
      clock,
      random,
      ended: options.ended ?? keptInMemory,
    }),
    limiter: new SignInLimiter(options.limits?.signIn),
    hubs: new Hubs(lab, options.limits?.ringRows),
    stopping: stop.signal,
    simulation: options.simulation,
    metricsToken: options.metricsToken,
    ready: () => options.ready(),
    metrics: () => options.metrics(),
  };
  const app = httpApp(parts, { names, web: await webFiles(options.webRoot) });
  const live = new LiveServer(parts, names, { ...liveLimits, ...options.limits?.live });
  const listener = getRequestListener(app.fetch, {
    // Other parts of the process keep the Request and Response that they know.
    overrideGlobalObjects: false,
    errorHandler: (error) => unreadable(error, log),
  });

  const crowd = { ...connectionLimits, ...options.limits?.connections };
  const connections = new Connections(crowd);
  const servers: Server[] = [];
  const urls: string[] = [];
  const closeAll = async (): Promise<void> => {
    stop.abort();
    live.close();
    parts.hubs.close();
    await Promise.all(servers.map((server) => closeServer(server, clock)));
  };
  try {
    for (const { host, port } of options.listen) {
      const server =
        isLoopback(host) || !tls
          ? createServer(httpOptions)
          : createTlsServer({ ...httpOptions, ...tlsOptions, ...tls });
      server.maxConnections = crowd.all;
      server.on('connection', (socket) => connections.take(socket));
      server.on('request', (request, response) => {
        limitBody(request, clock, bodyWithinMs);
        void listener(request, response);
      });
      server.on('upgrade', (request, socket, head) => {
        if (asksForWebSocket(request)) void live.upgrade(request, socket, head);
        else readPlainly(server, request, socket as Socket, head);
      });
      servers.push(server);
      const address = await listenOn(server, host, port);
      // A name may lead anywhere: what counts is where it led.
      if (!(server instanceof TlsServer) && !isLoopback(address.address))
        throw needsTls(`${host} (${address.address})`);
      urls.push(...urlsOf(server instanceof TlsServer, host, address, shown));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  return {
    urls,
    setTls: ({ cert, key }) => {
      for (const server of servers)
        if (server instanceof TlsServer) server.setSecureContext({ ...tlsOptions, cert, key });
    },
    close: closeAll,
  };
}

/** A request that takes longer to arrive than this is an attack or a broken network. */
const bodyWithinMs = 60_000;
const httpOptions = {
  // Of the whole request `limitBody` sees to that: an archive may take longer.
  requestTimeout: 0,
  headersTimeout: 20_000,
  keepAliveTimeout: 30_000,
  // Node looks for those that take too long this often only.
  connectionsCheckingInterval: 5000,
};
const tlsOptions = { minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const;

function listenOn(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(cannotListen(error, host, port));
    server.once('error', refuse);
    server.listen({ host, port }, () => {
      server.off('error', refuse);
      resolve(server.address() as AddressInfo);
    });
  });
}

function closeServer(server: Server, clock: Clock): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => server.closeAllConnections(), closeWithinMs);
    server.close(() => {
      clock.clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlsOf(isTls: boolean, host: string, { port }: AddressInfo, names: readonly string[]): string[] {
  const isEvery = host === '' || host === '::' || host === '0.0.0.0';
  const shown = isEvery ? (names.length === 0 ? ['localhost'] : names) : [host];
  return shown.map((name) => `${isTls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`);
}

/** What could not even be read as a request. */
function unreadable(error: unknown, log: Logger): Response {
  log.debug({ error: String(error) }, 'unreadable request');
  const isTheirs = error instanceof Error && error.name === 'RequestError';
  const problem = isTheirs
    ? fail('INVALID', 'This request cannot be read: its address or its Host header is not valid.').problem
    : (asProblem(error) ?? failed('unreadable request'));
  return problemResponse(problem);
}

const needsTls = (host: string): IoError =>
  new IoError('INVALID', {
    op: 'listen',
    target: host,
    message: `plain HTTP is for loopback addresses only, not for ${host}`,
    hint: 'Listen on 127.0.0.1 or [::1], or give the server a certificate.',
  });

const listenCodes: Readonly<Record<string, readonly [IoErrorCode, string, string]>> = {
  EADDRINUSE: ['PORT_IN_USE', 'is in use', 'Another floatlabd may run: stop it, or listen on another port.'],
  EACCES: ['PERMISSION', 'may not be used', 'Ports below 1024 need root: take another one.'],
  EADDRNOTAVAIL: ['INVALID', 'is no address of this machine', 'Look at the addresses: ip address.'],
  ENOTFOUND: ['INVALID', 'is not known', 'Listen on an address instead of a name.'],
};

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): IoError {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const [code, message, hint] = listenCodes[error.code ?? ''] ?? [
    'FAILED',
    `cannot be listened on: ${error.message}`,
    '',
  ];
  return new IoError(code, { op: 'listen', target, message: `${target} ${message}`, hint, cause: error });
}
