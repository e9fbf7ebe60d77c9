/** A container engine as far as anybody asks who it is and what runs in it: an HTTP server at a socket. */
import { createServer, type Server } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface FakeEngine {
  readonly socketPath: string;
  /** Names of running containers with an app of FloatLab. */
  running: readonly string[];
  id: string | (() => string);
  /** How often anybody asked for anything. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function fakeEngine(socketPath: string, id: FakeEngine['id']): Promise<FakeEngine> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    engine.asked.push(path);
    const body = bodyOf(path, engine);
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: 'no such thing' }));
  };
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const engine: FakeEngine = {
    socketPath,
    running: [],
    id,
    asked: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return engine;
}

function bodyOf(path: string, { id, running }: FakeEngine): unknown {
  if (path.endsWith('/version')) return { Version: '27.0', Components: [] };
  if (path.endsWith('/info')) return { ID: typeof id === 'string' ? id : id() };
  if (path.endsWith('/containers/json')) return running.map((name) => ({ Id: name }));
  const name = /\/containers\/([^/]+)\/json$/.exec(path)?.[1];
  if (name === undefined || !running.includes(name)) return undefined;
  return {
    Id: name,
    Name: `/${name}`,
    Image: 'sha256:0',
    Config: { Image: 'site:1', Labels: { 'floatlab.app': 'a1' } },
    State: { Status: 'running', StartedAt: '2026-11-21T10:00:00Z', ExitCode: 0, OOMKilled: false },
    HostConfig: { RestartPolicy: { Name: 'no' } },
  };
}
