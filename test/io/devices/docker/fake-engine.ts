/** Something that listens where an engine would, and behaves as a test says: hangs, breaks off, answers nonsense. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeEngine {
  readonly socketPath: string;
  /** Requests so far: `GET /version`. */
  readonly asked: readonly string[];
  /** Connections that are open at this moment. */
  open(): number;
  /** Ends every connection in the middle, as an engine that was killed. */
  kill(): void;
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** @param upgrade answers a request to take the connection over, as `exec` does */
export async function fakeEngine(answer: Answer, upgrade?: (socket: Duplex) => void): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-fake-engine-'));
  const socketPath = join(folder, 'engine.sock');
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('upgrade', (request, socket) => {
    asked.push(`${request.method} ${request.url}`);
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    upgrade?.(socket);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const kill = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    socketPath,
    asked,
    open: () => sockets.size,
    kill,
    async close() {
      kill();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
