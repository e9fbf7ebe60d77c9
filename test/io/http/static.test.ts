import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send, startServer } from './test-server.ts';

let dir: string;
let webRoot: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-web-'));
  webRoot = join(dir, 'web');
  await mkdir(join(webRoot, 'assets'), { recursive: true });
  await mkdir(join(webRoot, '.vite'));
  await writeFile(join(dir, 'secret.txt'), 'the secret');
  const files: Record<string, string | Uint8Array> = {
    'index.html': '<!doctype html><title>FloatLab</title>',
    'boot.js': '// boot',
    'favicon.svg': '<svg/>',
    'assets/index-B2x_9aQk.js': 'let app;',
    'assets/index-B2x_9aQk.js.br': brotliCompressSync('let app;'),
    'assets/index-B2x_9aQk.js.gz': gzipSync('let app;'),
    'assets/index-Zz123456.css': 'body{}',
    '.vite/manifest.json': '{}',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(webRoot, name), content);
  await symlink(join(dir, 'secret.txt'), join(webRoot, 'link.txt'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('the web app', () => {
  test('needs nobody to be signed in, and its page is asked for every time', async () => {
    const { url } = await startServer({ webRoot });
    const page = await send(url);
    expect([page.status, page.text]).toEqual([200, '<!doctype html><title>FloatLab</title>']);
    expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
    expect((await send(url, { headers: { 'if-none-match': String(page.headers['etag']) } })).status).toBe(304);
    const head = await send(url, { method: 'HEAD' });
    expect([head.status, head.text, head.headers['etag']]).toEqual([200, '', page.headers['etag']]);
  });

  test('has its page at every address that is a screen of it', async () => {
    const { url } = await startServer({ webRoot });
    for (const path of ['/apps', '/apps/default/photos/logs?at=3', '/volumes/default/a%20b', '/apps/']) {
      expect([path, (await send(url + path)).text]).toEqual([path, '<!doctype html><title>FloatLab</title>']);
    }
    for (const path of [
      '/assets/index-Old12345.js',
      '/missing.png',
      '/api/v1/nothing',
      '/api',
      '/link.txt',
      '/.vite/manifest.json',
    ]) {
      const answer = await send(url + path);
      expect([path, answer.status, answer.json.code]).toEqual([path, 404, 'NO_SUCH_ROUTE']);
    }
    expect((await send(`${url}/apps`, { method: 'POST' })).status).toBe(404);
  });

  test('keeps for ever what carries a hash of its content in its name', async () => {
    const { url } = await startServer({ webRoot });
    const script = await send(`${url}/assets/index-B2x_9aQk.js`);
    expect(script.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect((await send(`${url}/assets/index-Zz123456.css`)).headers['content-type']).toBe('text/css; charset=utf-8');
    expect((await send(`${url}/favicon.svg`)).headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'cache-control': 'no-cache',
    });
  });

  test('is sent compressed to those who can read that', async () => {
    const { url } = await startServer({ webRoot });
    const get = (accept: string) => send(`${url}/assets/index-B2x_9aQk.js`, { headers: { 'accept-encoding': accept } });
    const [br, gzip, plain] = [await get('gzip, deflate, br'), await get('gzip;q=1.0, br;q=0'), await get('identity')];
    expect([br.headers['content-encoding'], br.bytes]).toEqual(['br', brotliCompressSync('let app;')]);
    expect([gzip.headers['content-encoding'], gzip.bytes]).toEqual(['gzip', gzipSync('let app;')]);
    expect([plain.headers['content-encoding'], plain.text]).toEqual([undefined, 'let app;']);
    expect(new Set([br, gzip, plain].map(({ headers }) => headers['etag'])).size).toBe(3);
    expect((await send(`${url}/assets/index-B2x_9aQk.js.br`)).status).toBe(404);
  });

  test('has nothing outside of its folder, however it is asked for', async () => {
    const { url } = await startServer({ webRoot });
    for (const path of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/assets/../../secret.txt',
      '/assets/..%5c..%5csecret.txt',
      '/..\\secret.txt',
      '//etc/passwd',
      '/%00/../secret.txt',
      '/secret.txt%00.html',
      '/%c0%ae%c0%ae/secret.txt',
      '/%zz',
      '/assets/',
      '/assets',
      '/link.txt',
    ]) {
      const answer = await send(url, { path });
      expect([path, answer.text.includes('the secret'), answer.text.includes('root:')]).toEqual([path, false, false]);
      expect([200, 400, 404]).toContain(answer.status);
    }
  });

  test('goes on whole when it is built anew beside the running server', async () => {
    const folder = join(dir, 'built-again');
    await cp(webRoot, folder, { recursive: true });
    const { url } = await startServer({ webRoot: folder });
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(join(folder, 'index.html'), 'another one');
    for (let n = 0; n < 2; n++) {
      expect((await send(url)).text).toBe('<!doctype html><title>FloatLab</title>');
      const script = `${url}/assets/index-B2x_9aQk.js`;
      expect((await send(script)).text).toBe('let app;');
      const packed = await send(script, { headers: { 'accept-encoding': 'br' } });
      expect(brotliDecompressSync(packed.bytes).toString()).toBe('let app;');
    }
  });

  test('that was not built says so', async () => {
    const { url } = await startServer({ webRoot: join(dir, 'none') });
    expect((await send(url)).json).toMatchObject({ status: 404, hint: 'The web app was not built: npm run build.' });
  });
});
