/**
 * The port between nodes: takes links from nodes of the lab, and answers plain requests (to join, to renew) of those
 * who are not, or no longer, let in.
 *
 *   TCP ─ TLS 1.3 ─▶ POST          ─▶ onRequest: proves itself by what it says (a token)
 *                 ─▶ upgrade        certificate: issued here? pinned key? still a node? valid?  ─▶ else an HTTP refusal
 *                     hello         same lab, generation, protocol, incarnation?                ─▶ else a refusal frame
 *                     ─▶ onLink
 *
 * Whoever gets past the certificate is a node of the lab, so a stranger never reaches a WebSocket. Everything before
 * that is bounded in number, in size and in time; what is refused is logged once, and disturbs no link.
 */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { judgeCertificate, type Proven } from './credentials.ts';
import type { LinkCode, Refusal } from './errors.ts';
import { helloOf, judgeHello, maxHelloBytes, no, packAnswer, parseAnswer, type Answer } from './hello.ts';
import type { Admission, LinkIdentity, Peer } from './identity.ts';
import { SocketLink, socketOptions, type Link } from './link.ts';
import { addressOf, answerRequest, type RequestHandler } from './plain.ts';
import { isPurpose, type Purpose } from './purpose.ts';
import { RefusalLog } from './refusals.ts';

export interface LinkServerOptions {
  /** A port of 0 takes any that is free; the same one at all further addresses with 0. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly identity: LinkIdentity;
  readonly admission: Admission;
  /** Taken at this port. */
  readonly purposes: readonly Purpose[];
  /** Takes the link over: it must call `receive` at once. */
  onLink(link: Link): void;
  /** Links to a node that were made from here: one that runs already may be known by these alone. */
  dialed?(node: string): Iterable<Link>;
  /** For those who have no certificate yet; without it there is nothing to ask. */
  readonly onRequest?: RequestHandler;
  readonly log: Logger;
  readonly clock: Clock;
  /** For each step of a handshake; 5,000 by default. */
  readonly stepMs?: number;
}

export interface LinkServer {
  readonly port: number;
  readonly links: ReadonlySet<Link>;
  /** New connections get it; those that are there go on. */
  setIdentity(identity: LinkIdentity): void;
  /** Asks again for every link whether its node is still admitted, with that key and incarnation; ends the others. */
  recheck(): void;
  /** Ends all links, with STOPPING. */
  close(): Promise<void>;
}

export const linkPath = '/links/';
/** Of connections that are no links yet. */
const maxArriving = 512;
const maxArrivingFromOne = 64;
/** How long the older of two with one name has to prove that it is alive. */
const proveAliveMs = 1000;

/** @throws IoError PORT_IN_USE, PERMISSION, FAILED */
export async function openLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const server = new Listener(options);
  await server.listen();
  return server;
}

/** A link, and what it was let in with. */
interface Held {
  readonly link: SocketLink;
  readonly keySha256: string;
}

class Listener implements LinkServer {
  readonly #options: LinkServerOptions;
  readonly #clock: Clock;
  readonly #refusals: RefusalLog;
  readonly #stepMs: number;
  readonly #servers: Server[] = [];
  readonly #held = new Map<Link, Held>();
  /** Connections that are no links yet, with the address that they come from; by both their ends. */
  readonly #arriving = new Map<string, { readonly socket: Duplex; readonly address: string }>();
  readonly #sockets: ReadonlyMap<Purpose, WebSocketServer>;
  #identity: LinkIdentity;
  #port = 0;
  #isClosed = false;

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#identity = options.identity;
    this.#stepMs = options.stepMs ?? 5000;
    this.#refusals = new RefusalLog(options.log, options.clock);
    this.#sockets = new Map(
      options.purposes.map((purpose) => [
        purpose,
        new WebSocketServer({ noServer: true, clientTracking: false, ...socketOptions(purpose) }),
      ]),
    );
  }

  get port(): number {
    return this.#port;
  }

  get links(): ReadonlySet<Link> {
    return new Set(this.#held.keys());
  }

  async listen(): Promise<void> {
    try {
      for (const { host, port } of this.#options.listen) {
        const server = this.#makeServer();
        await listenAt(server, host, port === 0 ? this.#port : port);
        this.#servers.push(server);
        if (this.#port === 0) this.#port = (server.address() as AddressInfo).port;
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  setIdentity(identity: LinkIdentity): void {
    this.#identity = identity;
    for (const server of this.#servers) server.setSecureContext(secureContext(identity));
  }

  recheck(): void {
    for (const { link, keySha256 } of this.#held.values()) {
      if (this.#isStillAdmitted(link.peer, keySha256)) continue;
      const { code, explain } = removed(link.peer.node);
      link.close(code, explain);
    }
  }

  #isStillAdmitted({ node, incarnation }: Peer, keySha256: string): boolean {
    const admitted = this.#options.admission(node);
    return (
      admitted?.keySha256 === keySha256 && (admitted.incarnation === undefined || admitted.incarnation === incarnation)
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    const links = [...this.#held.keys()];
    for (const link of links) link.close('STOPPING', 'this node is stopping');
    for (const { socket } of this.#arriving.values()) socket.destroy();
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(links.map(({ closed }) => closed));
    await Promise.all(ended);
  }

  #makeServer(): Server {
    const server = createServer({
      ...secureContext(this.#identity),
      requestCert: true,
      // Judged here, with a better answer than a broken connection.
      rejectUnauthorized: false,
      handshakeTimeout: this.#stepMs,
      headersTimeout: this.#stepMs,
      requestTimeout: 2 * this.#stepMs,
      connectionsCheckingInterval: Math.ceil(this.#stepMs / 5),
      keepAlive: true,
    });
    server.on('connection', (socket: Socket) => this.#arrive(socket));
    server.on('tlsClientError', (error, socket) => {
      const isGone = (error as { code?: string }).code === 'ECONNRESET';
      if (!isGone) this.#refuse(addressOf(socket), no('NOT_TLS', `TLS failed: ${error.message}`, ''));
      socket.destroy();
    });
    server.on('clientError', (error, stream) => {
      const socket = stream as Socket;
      const isGone = (error as { code?: string }).code === 'ECONNRESET' || !socket.writable;
      if (!isGone) this.#refuse(addressOf(socket), no('BAD_REQUEST', `not a request: ${error.message}`, ''));
      socket.destroy();
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void answerRequest(this.#options.onRequest, request, response, (address, explain) => {
        this.#refuse(address, no('BAD_REQUEST', explain, ''));
      });
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket as TLSSocket, head);
    });
    return server;
  }

  #arrive(socket: Socket): void {
    const [ends, address] = [endsOf(socket), addressOf(socket)];
    socket.on('error', () => socket.destroy());
    if (this.#arriving.size >= maxArriving || this.#arrivingFrom(address) >= maxArrivingFromOne) {
      this.#refuse(address, no('BUSY', 'too many connect at once', ''));
      socket.destroy();
      return;
    }
    this.#arriving.set(ends, { socket, address });
    socket.once('close', () => this.#arriving.delete(ends));
  }

  #upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    const address = addressOf(socket);
    const drop = (): void => void socket.destroy();
    socket.on('error', drop);
    const purpose = request.url?.startsWith(linkPath) ? request.url.slice(linkPath.length) : '';
    const sockets = isPurpose(purpose) ? this.#sockets.get(purpose) : undefined;
    if (!sockets || !isPurpose(purpose)) {
      return this.#turnAway(socket, address, no('WRONG_PURPOSE', 'this port takes no such links', 'Check the port.'));
    }
    if (this.#isClosed) return drop();
    const identity = this.#identity;
    const proven = judgeCertificate({
      certificate: socket.getPeerX509Certificate(),
      caCert: identity.caCert,
      admission: this.#options.admission,
      purpose,
      nowMs: this.#clock.now(),
    });
    if ('code' in proven) return this.#turnAway(socket, address, proven);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', drop);
      this.#greet(ws, socket, { address, purpose, proven, identity });
    });
  }

  /** Waits for the hello of a socket that is a node's, and answers it. */
  #greet(ws: WebSocket, socket: TLSSocket, about: Arrival): void {
    const { address, proven, purpose, identity } = about;
    const refuse = (refusal: Refusal): void => {
      this.#refuse(proven.node, refusal);
      sendLast(ws, { refusal });
    };
    const timer = this.#clock.setTimeout(() => {
      refuse(
        no('SILENT', `node ${proven.node} connected and said nothing for ${this.#stepMs} ms`, 'Upgrade both nodes.'),
      );
    }, this.#stepMs);
    const silence = (): void => {
      this.#clock.clearTimeout(timer);
      ws.removeAllListeners('message');
    };
    ws.on('error', (error) => {
      silence();
      this.#refuse(proven.node, no('BAD_HELLO', `no hello, but garbage: ${error.message}`, ''));
    });
    ws.on('close', silence);
    ws.on('message', (data, isBinary) => {
      silence();
      // Nothing else is to be said before the answer.
      ws.pause();
      const peer = this.#judge(data as Buffer, isBinary, about);
      if ('code' in peer) return refuse(peer);
      void this.#makeWay(peer).then((isFree) => {
        if (ws.readyState !== ws.OPEN) return;
        if (!isFree) return refuse(duplicate(peer.node));
        // That took a moment, in which it may have been removed.
        if (!this.#isStillAdmitted(peer, proven.admitted.keySha256)) return refuse(removed(peer.node));
        this.#arriving.delete(endsOf(socket));
        if (this.#isClosed) return ws.terminate();
        ws.send(packAnswer({ hello: helloOf(identity, purpose) }));
        const link = new SocketLink({ ws, peer, purpose, remoteAddress: address, clock: this.#clock });
        this.#hold({ link, keySha256: proven.admitted.keySha256 });
      });
    });
  }

  #judge(frame: Buffer, isBinary: boolean, { proven, purpose, identity }: Arrival): Peer | Refusal {
    if (isBinary && frame.length > maxHelloBytes) {
      return no('TOO_LARGE', `a hello of ${frame.length} bytes; at most ${maxHelloBytes}`, 'Upgrade both nodes.');
    }
    const said = isBinary ? parseAnswer(frame) : undefined;
    if (!said || !('hello' in said)) {
      return no('BAD_HELLO', `node ${proven.node} sent something else than a hello`, 'Upgrade both nodes.');
    }
    const { hello } = said;
    const peer = judgeHello(identity, hello, purpose);
    if ('code' in peer) return peer;
    if (hello.node !== proven.node) {
      return no('WRONG_NODE', `the certificate is of node ${proven.node}, the hello of ${hello.node}`, mixedUp);
    }
    const { incarnation } = proven.admitted;
    if (incarnation !== undefined && hello.incarnation !== incarnation) return wrongIncarnation(hello.node);
    if (hello.node === identity.node && hello.run !== identity.run) return duplicate(hello.node);
    return peer;
  }

  /** Two that run with one name? The older one must prove that it lives; if it does, the newer one is not let in. */
  async #makeWay(peer: Peer): Promise<boolean> {
    const dialed = [...(this.#options.dialed?.(peer.node) ?? [])].filter((link) => link instanceof SocketLink);
    const others = [...[...this.#held.values()].map(({ link }) => link), ...dialed].filter(
      (link) => link.peer.node === peer.node && link.peer.run !== peer.run,
    );
    const alive = await Promise.all(
      others.map(async (link) => {
        const isAlive = await link.answers(proveAliveMs);
        if (!isAlive) link.cut('REPLACED', `node ${peer.node} was started again`);
        return isAlive;
      }),
    );
    return !alive.includes(true);
  }

  #hold(held: Held): void {
    const { link } = held;
    this.#held.set(link, held);
    void link.closed.then(({ code, explain }) => {
      this.#held.delete(link);
      if (isOffence(code)) this.#refusals.refused(link.peer.node, code, explain);
    });
    try {
      this.#options.onLink(link);
    } catch (error) {
      this.#options.log.error({ node: link.peer.node, error: String(error) }, 'a link was not taken');
      link.close('FAILED', 'it was not taken');
    }
  }

  #turnAway(socket: TLSSocket, address: string, refusal: Refusal): void {
    this.#refuse(address, refusal);
    const body = JSON.stringify(refusal);
    socket.end(
      `HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
    // Whoever does not close is closed.
    const timer = this.#clock.setTimeout(() => socket.destroy(), this.#stepMs);
    socket.once('close', () => this.#clock.clearTimeout(timer));
    socket.resume();
  }

  #refuse(who: string, { code, explain }: Refusal): void {
    if (!this.#isClosed) this.#refusals.refused(who, code, explain);
  }

  #arrivingFrom(address: string): number {
    let count = 0;
    for (const arriving of this.#arriving.values()) if (arriving.address === address) count += 1;
    return count;
  }
}

interface Arrival {
  readonly address: string;
  readonly purpose: Purpose;
  readonly proven: Proven;
  /** As it was when the connection came. */
  readonly identity: LinkIdentity;
}

const mixedUp =
  'Its certificate is not its own: was <data>/tls copied from another node? Restore its own from a backup.';

const duplicate = (node: string): Refusal =>
  no(
    'DUPLICATE_NODE',
    `node ${node} runs already, and answers: this is a second one with its name and its keys`,
    'Was its data directory copied to another machine? Stop one of the two; let the copy join with a token of its own.',
  );

const removed = (node: string): Refusal =>
  no(
    'NOT_ADMITTED',
    `node ${node} does not belong to the lab any more`,
    'If it should belong to it, let it join with a new token.',
  );

const wrongIncarnation = (node: string): Refusal =>
  no(
    'WRONG_INCARNATION',
    `node ${node} has another disk than the one that the lab knows`,
    'If its disk was lost or restored, let it join anew with a token; if not, its data directory is an old copy.',
  );

/** What is worth a line when it ends a link. */
const isOffence = (code: LinkCode): boolean => code === 'TOO_LARGE' || code === 'BAD_FRAME' || code === 'FAILED';

/** A last frame, then goodbye; whoever does not answer that is cut off by `closeTimeout`. */
function sendLast(ws: WebSocket, answer: Answer): void {
  ws.send(packAnswer(answer));
  ws.close(4000, 'refusal' in answer ? answer.refusal.code : 'CLOSED');
  ws.resume();
}

/** Names a connection, whether one has its TCP or its TLS socket at hand. */
const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

/** The authority's certificate is sent along: who joins knows it by its fingerprint only. */
const secureContext = ({ certificate, caCert }: LinkIdentity) =>
  ({
    cert: `${certificate.cert.trim()}\n${caCert.trim()}\n`,
    key: certificate.key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  }) as const;

function listenAt(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { readonly code?: string }) => {
      const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      const code =
        error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : error.code === 'EACCES' ? 'PERMISSION' : ('FAILED' as const);
      reject(
        new IoError(code, {
          op: 'listen',
          target: place,
          message: `cannot listen at ${place}: ${error.message}`,
          hint: 'Stop the other program, or take another node port.',
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
