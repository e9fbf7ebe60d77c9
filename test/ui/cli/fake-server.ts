/**
 * A lab on loopback that says what a test tells it to say: REST answers by method and path, rows of views, and a live
 * endpoint that hands every message to the test. The shapes are those of the contract.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ToClient, ToServer } from '#io/contract/live.ts';
import { problemOf, statusOf, problemCodes, type Problem, type ProblemCode } from '#io/contract/problem.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { WebSocketServer } from 'ws';

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
export type Reply =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** The connection is lost after the text, and more was to come. */
      readonly breaksOff?: true;
    }
  | 'hang up';
type Answer = (heard: Heard) => Reply | Promise<Reply>;

export type LiveHandler = (message: ToServer, say: (frame: ToClient) => void) => void;

export class FakeServer {
  readonly heard: Heard[] = [];
  readonly heardLive: ToServer[] = [];
  /** Takes every live message; nothing is said by itself. */
  live: LiveHandler = () => undefined;
  /** Status of the refusal of live connections. */
  refuseLive: number | undefined;
  readonly #answers = new Map<string, Answer>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #webSockets = new WebSocketServer({ noServer: true });
  readonly #scheme: 'http' | 'https';

  private constructor(tls: { readonly key: string; readonly cert: string } | undefined) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls, handle) : createServer(handle);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.refuseLive !== undefined) {
        socket.end(`HTTP/1.1 ${this.refuseLive} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (ws) => {
        const say = (frame: ToClient): void => ws.send(JSON.stringify(frame));
        say({ t: 'at', index: 1, time: 1, stale: false });
        ws.on('message', (data) => {
          if (ws.readyState !== ws.OPEN) return;
          const message = JSON.parse((data as Buffer).toString('utf8')) as ToServer;
          this.heardLive.push(message);
          this.live(message, say);
        });
      });
    });
  }

  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<FakeServer> {
    const fake = new FakeServer(tls);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#webSockets.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** All live connections are cut. */
  dropLive(): void {
    for (const client of this.#webSockets.clients) client.terminate();
  }

  /** As new: what still comes from earlier connections is not heard. */
  forget(): void {
    this.dropLive();
    this.heard.length = 0;
    this.heardLive.length = 0;
    this.#answers.clear();
    this.live = () => undefined;
    this.refuseLive = undefined;
  }

  /** @param route `GET /api/v1/apps` */
  on(route: string, answer: Answer | Reply): this {
    this.#answers.set(route, typeof answer === 'function' ? answer : () => answer);
    return this;
  }

  /** A list, and each of its rows by its path. */
  rows(path: string, rows: readonly { readonly name: string; readonly namespace?: string }[]): this {
    this.on(`GET ${path}`, { json: { items: rows, index: 812 } });
    for (const row of rows) {
      const under = row.namespace === undefined ? row.name : `${row.namespace}/${row.name}`;
      this.on(`GET ${path}/${under}`, { json: row });
    }
    return this;
  }

  problem(route: string, code: ProblemCode, detail: string, more: Partial<Problem> = {}): this {
    const problem = { ...problemOf(code, detail), ...more };
    return this.on(route, { status: statusOf[problemCodes[code]], json: problem });
  }

  /** A command's route: its dry run forecasts the events, the command itself begins an operation that ends well. */
  command(route: string, answer: Partial<CommandAnswer> = {}, outcome: object = { state: 'succeeded' }): this {
    const { operation } = answer;
    if (operation !== undefined) {
      this.on(`GET /api/v1/operations/${encodeURIComponent(operation)}/wait`, {
        json: { id: operation, name: operation, command: 'x', targetName: 'y', problem: null, ...outcome },
      });
    }
    return this.on(route, ({ query }) => {
      const dryRun = query['dryRun'] === 'true';
      return { json: { index: 812, unchanged: false, events: [], ...answer, dryRun } };
    });
  }

  /** What changed something, in short: `POST /api/v1/apps/default/photos/stop`. */
  get changes(): string[] {
    return this.heard
      .filter(({ method, query }) => method !== 'GET' && query['dryRun'] !== 'true')
      .map(({ method, path }) => `${method} ${path}`);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://lab');
    const heard: Heard = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8')),
    };
    this.heard.push(heard);
    const answer = this.#answers.get(`${heard.method} ${heard.path}`);
    const reply: Reply = answer
      ? await answer(heard)
      : { status: 404, json: problemOf('NO_SUCH_ROUTE', `There is no ${heard.method} ${heard.path}.`) };
    if (reply === 'hang up') {
      request.socket.destroy();
      return;
    }
    const { status = 200 } = reply;
    const text = reply.text ?? JSON.stringify(reply.json ?? {});
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    if (reply.breaksOff) {
      response.writeHead(status, { 'content-length': Buffer.byteLength(text) + 100 });
      response.write(text, () => setTimeout(() => request.socket.destroy(), 20));
      return;
    }
    response.writeHead(status, { 'content-type': type, ...reply.headers });
    response.end(status === 204 ? undefined : text);
  }
}
