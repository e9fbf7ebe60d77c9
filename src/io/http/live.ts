/**
 * The live endpoint, `/api/v1/live`: takes upgrades of those who are signed in, and keeps the connections alive.
 *
 * A browser shows its cookie, the page's key as a subprotocol, and says which page it is; a program shows its token in
 * the `Authorization` header. A browser cannot see why an upgrade was refused, so one whose session has ended is let in
 * and told by a close code.
 *
 * One timer serves all connections: each second a bookmark and a look at the session, each half minute a ping; who has
 * not answered the one before is gone.
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { liveProtocol, maxFrameBytes } from '#io/contract/live.ts';
import type { Problem } from '#io/contract/problem.ts';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Timer } from '../devices/clock/port.ts';
import { answersTo, originIs, type HostNames } from './auth/hosts.ts';
import { keyInProtocols } from './auth/page-key.ts';
import { presentedBy, whyNot, type Session } from './auth/sessions.ts';
import { closeCodes, Connection, type LiveLimits } from './live/connection.ts';
import { RowJson } from './live/frames.ts';
import type { Parts } from './parts.ts';
import { asProblem, fail, failed, stopping } from './problems.ts';

const livePath = '/api/v1/live';
const tickMs = 1000;
const ticksPerPing = 30;
const maxConnections = 1000;
/** How long a client has to say goodbye. */
const closeWithinMs = 2000;

export class LiveServer {
  readonly #parts: Parts;
  readonly #names: HostNames;
  readonly #limits: LiveLimits;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    // Of those that are offered; the page's key is one too, and is not said again.
    handleProtocols: (offered) => (offered.has(liveProtocol) ? liveProtocol : false),
  });
  readonly #connections = new Map<WebSocket, Connection>();
  readonly #json = new RowJson();
  readonly #unwatch: () => void;
  #timer: Timer | undefined;
  #ticks = 0;
  #isClosed = false;

  constructor(parts: Parts, names: HostNames, limits: LiveLimits) {
    this.#parts = parts;
    this.#names = names;
    this.#limits = limits;
    this.#unwatch = parts.sessions.onChange(() => this.#checkSessions());
  }

  /** For the `upgrade` event of an HTTP server. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Whatever happens to it before it is a WebSocket ends it, and nothing else.
    const ignore = (): void => void socket.destroy();
    socket.on('error', ignore);
    try {
      const session = await this.#admit(request);
      if (this.#isClosed) throw stopping();
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        socket.off('error', ignore);
        this.#begin(ws, session);
      });
    } catch (error) {
      const problem = asProblem(error);
      if (!problem) this.#parts.log.error({ error: String(error) }, 'upgrade failed');
      refuse(socket, problem ?? failed('upgrade'));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
    for (const [ws, connection] of this.#connections) {
      connection.close(closeCodes.stopping, 'This node is stopping.');
      this.#terminateLater(ws);
    }
    this.#sockets.close();
  }

  /** @returns undefined for a browser whose session is over. @throws ProblemError */
  async #admit(request: IncomingMessage): Promise<Session | undefined> {
    const { host, origin, authorization, cookie } = request.headers;
    if (request.url?.split('?')[0] !== livePath)
      throw fail('NO_SUCH_ROUTE', `There is nothing to upgrade at this path; it is ${livePath}.`);
    if (!answersTo(host, this.#names, 'encrypted' in request.socket)) {
      throw fail('FORBIDDEN', 'This server does not answer to that name.', {
        hint: 'Reach it as localhost or 127.0.0.1, or tell it the name: npm start -- --host-name NAME',
      });
    }
    const pageKey = keyInProtocols(request.headers['sec-websocket-protocol']);
    const presented = presentedBy({ authorization, cookie, pageKey });
    // A page says where it comes from, whether it wants to or not; a cookie counts only from a page of this server.
    if ((origin !== undefined || presented?.via === 'cookie') && !originIs(origin, host, this.#names)) {
      throw fail('FORBIDDEN', 'This connection does not come from a page of this server.');
    }
    if (this.#connections.size >= maxConnections) {
      throw fail('NOT_READY', 'This node has too many live connections.', { retryAfter: 5 });
    }
    const session = presented && (await this.#parts.sessions.verify(presented));
    if (session || origin !== undefined) return session;
    throw fail('NOT_SIGNED_IN', whyNot(presented));
  }

  #begin(ws: WebSocket, session: Session | undefined): void {
    ws.on('error', () => ws.terminate());
    if (!session) {
      ws.close(closeCodes.signedOut, 'Sign in again.');
      this.#terminateLater(ws);
      return;
    }
    const connection = new Connection({
      parts: this.#parts,
      session,
      json: this.#json,
      limits: this.#limits,
      socket: {
        get bufferedAmount() {
          return ws.bufferedAmount;
        },
        send: (text, done) => ws.send(text, () => done()),
        ping: () => ws.ping(),
        close: (code, reason) => ws.close(code, reason),
      },
    });
    this.#connections.set(ws, connection);
    ws.on('message', (data, isBinary) => {
      // Of one buffer each, as `binaryType` is left as it is.
      if (isBinary) connection.close(1003, 'Frames are text.');
      else connection.hear((data as Buffer).toString('utf8'));
    });
    ws.on('pong', () => {
      connection.isAlive = true;
    });
    ws.on('close', () => {
      this.#connections.delete(ws);
      connection.closed();
    });
    this.#timer ??= this.#parts.clock.setTimeout(() => this.#tick(), tickMs);
  }

  #tick(): void {
    this.#timer = this.#connections.size > 0 ? this.#parts.clock.setTimeout(() => this.#tick(), tickMs) : undefined;
    this.#checkSessions();
    const isPing = ++this.#ticks % ticksPerPing === 0;
    for (const [ws, connection] of this.#connections) {
      if (isPing && !connection.isAlive) {
        ws.terminate();
        continue;
      }
      connection.bookmark();
      if (isPing) connection.ping();
    }
  }

  #checkSessions(): void {
    for (const [ws, connection] of this.#connections) {
      if (this.#parts.sessions.holds(connection.session)) continue;
      connection.close(closeCodes.signedOut, 'The session has ended: sign in again.');
      this.#terminateLater(ws);
    }
  }

  #terminateLater(ws: WebSocket): void {
    const timer = this.#parts.clock.setTimeout(() => ws.terminate(), closeWithinMs);
    ws.once('close', () => this.#parts.clock.clearTimeout(timer));
  }
}

function refuse(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem);
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(problem.retryAfter === undefined ? [] : [`Retry-After: ${problem.retryAfter}`]),
      '',
      body,
    ].join('\r\n'),
  );
}
