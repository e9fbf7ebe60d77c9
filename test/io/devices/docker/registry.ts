/**
 * A registry of images that has exactly one, spoken to over plain HTTP on the loopback address, where engines allow
 * that. Enough of the distribution protocol for a pull; every other image is unknown to it.
 */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface Registry {
  /** `127.0.0.1:4711` */
  readonly address: string;
  /** The one image. */
  readonly image: string;
  /** Makes the next answers to requests for manifests fail with this status and code; undefined ends that. */
  fail(how: { readonly status: number; readonly code: string; readonly message: string } | undefined): void;
  close(): Promise<void>;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/**
 * @param content incompressible bytes make the pull long enough to have progress
 * @param asks `user:password` for which it gives a token, as large registries do; without that token nothing is had
 */
export async function startRegistry(content: Buffer, asks?: string): Promise<Registry> {
  const files = pack();
  files.entry({ name: 'content', mode: 0o644 }, content);
  files.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of files) chunks.push(chunk as Buffer);
  const layerTar = Buffer.concat(chunks);
  const layer = gzipSync(layerTar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['/none'], Healthcheck: { Test: ['CMD', '/none'] } },
      rootfs: { type: 'layers', diff_ids: [digestOf(layerTar)] },
      history: [{ created: '2026-01-01T00:00:00Z' }],
    }),
  );
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: described('application/vnd.docker.container.image.v1+json', config),
      layers: [described('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  );
  const blobs = new Map([config, layer, manifest].map((bytes) => [digestOf(bytes), bytes]));
  let failure: Parameters<Registry['fail']>[0];

  const refuse = (response: ServerResponse, status: number, code: string, message: string) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code, message }] }));

  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const wanted = /^\/v2\/one\/(manifests|blobs)\/(.+)$/.exec(path);
    const { authorization = '', host = '' } = request.headers;
    if (path === '/token') {
      if (asks === undefined || authorization !== `Basic ${Buffer.from(asks).toString('base64')}`)
        return void refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password');
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"token":"opens"}');
    }
    if (asks !== undefined && authorization !== 'Bearer opens') {
      response.setHeader('www-authenticate', `Bearer realm="http://${host}/token",service="test"`);
      return void refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
    }
    if (path === '/v2/') return void response.end('{}');
    if (failure && path.includes('/manifests/'))
      return void refuse(response, failure.status, failure.code, failure.message);
    const bytes = wanted?.[2] === '1.0' ? manifest : blobs.get(wanted?.[2] ?? '');
    if (!bytes) return void refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const headers = {
      'content-type': bytes === manifest ? type : 'application/octet-stream',
      'content-length': bytes.length,
      'docker-content-digest': digestOf(bytes),
    };
    response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    image: `${address}/one:1.0`,
    fail: (how) => void (failure = how),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
