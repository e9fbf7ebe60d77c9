import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { collectCompose, maxFileBytes, maxTotalBytes } from '#ui/cli/compose-files.ts';
import { emptyHome } from './home.ts';
import { lines, run } from './test-world.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await emptyHome(), 'My Photos');
  await mkdir(folder);
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const composeOf = (...volumes: string[]): string =>
  `services:\n  web:\n    image: nginx:1.27\n    env_file: [app.env]\n    volumes: ${JSON.stringify(volumes)}\n`;

const collected = async (...without: string[]): Promise<Record<string, string>> => {
  const { input } = await collectCompose(folder, undefined, without);
  return Object.fromEntries(
    Object.entries(input.files).map(([path, { content }]) => [path, Buffer.from(content, 'base64').toString()]),
  );
};

describe('with a compose file travel', () => {
  test('.env, env files, and the files and folders that it mounts', async () => {
    await write('compose.yaml', composeOf('./nginx.conf:/etc/nginx.conf:ro', './conf.d:/etc/nginx/conf.d'));
    await write('.env', 'A=1\n');
    await write('app.env', 'B=2\n');
    await write('nginx.conf', 'daemon off;');
    await write('conf.d/site.conf', 'server {}');
    await write('conf.d/deep/more.conf', '#');
    await write('unnamed.txt', 'stays here');
    expect(await collected()).toEqual({
      '.env': 'A=1\n',
      'app.env': 'B=2\n',
      'nginx.conf': 'daemon off;',
      'conf.d/site.conf': 'server {}',
      'conf.d/deep/more.conf': '#',
    });
  });

  test('files whose names come from .env', async () => {
    await write('compose.yaml', composeOf('./${SITE}.conf:/etc/site.conf'));
    await write('.env', 'SITE=home\n');
    await write('home.conf', 'x');
    expect(Object.keys(await collected())).toEqual(['.env', 'home.conf']);
  });

  test('the files that COMPOSE_FILE of .env names, the later ones over the first', async () => {
    await write('base.yaml', 'services: {web: {image: "nginx:1"}}');
    await write('prod.yaml', 'services: {web: {restart: always}}');
    await write('compose.yaml', 'services: {other: {image: "nginx:2"}}');
    await write('.env', 'COMPOSE_FILE=base.yaml:prod.yaml\n');
    const { input, read } = await collectCompose(folder, undefined);
    expect(input.fileName).toBe('base.yaml');
    expect('app' in read && read.app.spec.services).toMatchObject({
      web: { image: 'nginx:1', restart: { condition: 'always' } },
    });
    await write('.env', 'COMPOSE_PATH_SEPARATOR=;\nCOMPOSE_FILE=base.yaml;prod.yaml\n');
    expect((await collectCompose(folder, undefined)).input.fileName).toBe('base.yaml');
    expect((await collectCompose(folder, 'compose.yaml')).input.fileName).toBe('compose.yaml');
    await write('.env', 'COMPOSE_FILE=gone.yaml\n');
    await expect(collectCompose(folder, undefined)).rejects.toThrow('gone.yaml cannot be read');
  });

  test('the files that it includes and extends, and those that these name', async () => {
    await write(
      'compose.yaml',
      'include: ["team/${TEAM}.yaml"]\nservices: {web: {extends: {file: base.yaml, service: web}}}',
    );
    await write('.env', 'TEAM=one\n');
    await write('base.yaml', 'services: {web: {image: nginx, env_file: base.env}}');
    await write('base.env', 'A=1');
    await write('team/one.yaml', 'services: {db: {image: "postgres:${TAG}", label_file: db.labels}}');
    await write('team/.env', 'TAG=17');
    await write('team/db.labels', 'a=b');
    await write('team/other.yaml', 'stays here');
    const { input, read } = await collectCompose(folder, undefined);
    expect(Object.keys(input.files).toSorted()).toEqual([
      '.env',
      'base.env',
      'base.yaml',
      'team/.env',
      'team/db.labels',
      'team/one.yaml',
    ]);
    expect(read).toMatchObject({ app: { bundle: { services: { db: { image: 'postgres:17', labels: { a: 'b' } } } } } });
  });

  test('their modes', async () => {
    await write('compose.yaml', composeOf('./run.sh:/run.sh'));
    await write('run.sh', '#!/bin/sh\n');
    await chmod(join(folder, 'run.sh'), 0o755);
    expect((await collectCompose(folder, undefined)).input.files['run.sh']?.mode).toBe(0o755);
  });

  test('nothing that is left out by --without', async () => {
    await write('compose.yaml', composeOf('./data:/data', './a.conf:/a.conf'));
    await write('data/big', 'x');
    await write('a.conf', 'x');
    expect(Object.keys(await collected('data'))).toEqual(['a.conf']);
    expect(Object.keys(await collected('./data', 'a.conf'))).toEqual([]);
  });

  test('nothing from outside of its folder, links included', async () => {
    await writeFile(join(dirname(folder), 'secret'), 'secret');
    await write('compose.yaml', composeOf('./key:/key'));
    await symlink('../secret', join(folder, 'key'));
    await expect(collected()).rejects.toThrow('outside the folder of the compose file');
    expect(await collected('key')).toEqual({});
  });

  test('links that stay inside, and no circles of them', async () => {
    await write('compose.yaml', composeOf('./conf:/conf'));
    await write('conf/real', 'x');
    await symlink('real', join(folder, 'conf', 'link'));
    await symlink('..', join(folder, 'conf', 'up'));
    expect(await collected()).toEqual({ 'conf/real': 'x', 'conf/link': 'x' });
  });

  test('no file that is too large, and not too much together', async () => {
    await write('compose.yaml', composeOf('./big:/big', './many:/many'));
    await write('big', 'x'.repeat(maxFileBytes + 1));
    await expect(collected()).rejects.toThrow('big is larger than 3 MiB');
    await write('big', 'x');
    for (const name of ['a', 'b']) await write(`many/${name}`, 'x'.repeat(maxTotalBytes / 2));
    await expect(collected()).rejects.toThrow('are more than 5 MiB');
    await expect(collected('many')).resolves.toEqual({ big: 'x' });
  });

  test('no more than one request can carry', () => {
    // The file itself, at most a third longer as JSON, and the others in base64.
    expect(2 ** 20 * (4 / 3) + maxTotalBytes * (4 / 3)).toBeLessThan(8 * 2 ** 20);
  });
});

describe('a compose file', () => {
  test('is found by the names that compose knows', async () => {
    await write('docker-compose.yml', composeOf());
    expect((await collectCompose(folder, undefined)).input.fileName).toBe('docker-compose.yml');
    await write('compose.yaml', composeOf());
    expect((await collectCompose(folder, undefined)).input.fileName).toBe('compose.yaml');
  });

  test('has an override beside it by the names that compose knows, unless a file is named', async () => {
    await write('compose.yaml', 'services: {web: {image: "nginx:1"}}');
    await write('docker-compose.override.yml', 'services: {web: {image: "nginx:2"}}');
    const imageOf = async (...args: Parameters<typeof collectCompose>): Promise<unknown> => {
      const { read } = await collectCompose(...args);
      return 'app' in read ? read.app.bundle.services['web']?.image : read.findings;
    };
    expect(await imageOf(folder, undefined)).toBe('nginx:2');
    expect(await imageOf(folder, undefined, ['docker-compose.override.yml'])).toBe('nginx:1');
    expect(await imageOf(folder, 'compose.yaml')).toBe('nginx:1');
    await write('compose.override.yaml', 'services: {web: {image: "nginx:3"}}');
    expect(await imageOf(folder, undefined)).toBe('nginx:3');
  });

  test('may be several, each over those before it, in the folder of the first', async () => {
    await write('a.yaml', 'services: {web: {image: "nginx:1"}}');
    await write('more/b.yaml', 'services: {web: {image: "nginx:2", working_dir: /b}}');
    await write('c.yaml', 'services: {web: {image: "nginx:3"}}');
    const { input, read } = await collectCompose(folder, ['a.yaml', 'more/b.yaml', 'c.yaml']);
    expect(input.files).toMatchObject({ 'more/b.yaml': { override: 1 }, 'c.yaml': { override: 2 } });
    expect(read).toMatchObject({
      app: { bundle: { services: { web: { image: 'nginx:3', settings: { workingDir: '/b' } } } } },
    });
    await expect(collectCompose(folder, ['more/b.yaml', 'a.yaml'])).rejects.toThrow(
      'is outside the folder of the first compose file',
    );
    await expect(collectCompose(folder, ['a.yaml', 'no.yaml'])).rejects.toThrow('no.yaml cannot be read');
  });

  test('gives the app the name of its folder', async () => {
    await write('compose.yaml', composeOf());
    expect((await collectCompose(dirname(folder), 'My Photos/compose.yaml')).folderName).toBe('my-photos');
  });

  test('has to be UTF-8 text that can be read', async () => {
    await expect(collectCompose(folder, 'missing.yaml')).rejects.toThrow('cannot be read: it is not there');
    await writeFile(join(folder, 'latin.yaml'), Buffer.from([0x61, 0xfc, 0x62]));
    await expect(collectCompose(folder, 'latin.yaml')).rejects.toThrow('is not UTF-8 text');
  });
});

describe('floatlab compose lint', () => {
  const lint = (...more: string[]) => run(['compose', 'lint', ...more], { cwd: folder });

  test('works without a lab and says that all is well', async () => {
    await write('compose.yaml', composeOf());
    await write('app.env', 'A=1\n');
    expect(await lint()).toMatchObject({
      code: 0,
      out: '',
      err: 'compose.yaml is valid: 1 service; 1 file beside it would travel with it.\n',
    });
    expect(await lint('-q')).toMatchObject({ code: 0, out: '', err: '' });
  });

  test('shows every problem with its place, and ends with 2', async () => {
    await write('compose.yaml', 'services:\n  web:\n    image: nginx:1.27\n    volums: []\n');
    const { code, err } = await lint();
    expect(code).toBe(2);
    expect(lines(err)).toEqual([
      'error: compose.yaml has 1 problem (COMPOSE_INVALID)',
      '',
      expect.stringMatching(/^compose\.yaml:4:5 services\.web\.volums$/) as string,
      expect.stringContaining('`volums`') as string,
      expect.any(String) as string,
      expect.any(String) as string,
      '> 4 |     volums: []',
      '    |     ^',
      '  hint: Did you mean `volumes`?',
      '',
    ]);
  });

  test('takes the file by its name or with -f, as up does', async () => {
    await write('app.env', 'A=1\n');
    await write('other.yaml', composeOf());
    for (const args of [
      ['other.yaml'],
      ['-f', 'other.yaml'],
      ['--file', 'other.yaml'],
      ['-f', 'other.yaml', 'other.yaml'],
    ]) {
      expect((await lint(...args)).err, args.join(' ')).toContain('other.yaml is valid');
    }
    await write('over.yaml', 'services: {web: {image: ""}}');
    expect((await lint('-f', 'other.yaml', '-f', 'over.yaml')).err).toContain('over.yaml:1:25');
    const { code, err } = await lint('-f', 'other.yaml', 'compose.yaml');
    expect(code).toBe(2);
    expect(err).toContain('Two files are named: compose.yaml and other.yaml (USAGE)');
  });

  test('prints its findings as JSON', async () => {
    await write('compose.yaml', 'services: {}\n');
    const { code, out } = await lint('-o', 'json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ file: 'compose.yaml', valid: false, findings: [{ line: 1 }] });
  });
});
