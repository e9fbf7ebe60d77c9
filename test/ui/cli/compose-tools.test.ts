/** What the command line does with compose files on this machine: their layout, what they mean, what is different. */
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { emptyHome } from './home.ts';
import { lines, run, type Setting } from './test-world.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await emptyHome(), 'photos');
  await mkdir(folder);
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}
const compose = (args: string, setting: Setting = {}) =>
  run(['compose', ...args.split(' ')], { cwd: folder, ...setting });

const untidy =
  'services:\n    web: # the front\n        image:   "nginx:1.27"\n        ports:\n        -   8080:80  \n';
const tidy = 'services:\n  web: # the front\n    image: "nginx:1.27"\n    ports:\n      - 8080:80\n';

describe('floatlab compose fmt', () => {
  test('lays the file out, keeps its mode, and finds nothing to do the second time', async () => {
    await write('compose.yaml', untidy);
    await chmod(join(folder, 'compose.yaml'), 0o640);
    expect(await compose('fmt')).toMatchObject({ code: 0, out: '', err: 'compose.yaml is laid out anew.\n' });
    expect(await readFile(join(folder, 'compose.yaml'), 'utf8')).toBe(tidy);
    expect((await stat(join(folder, 'compose.yaml'))).mode & 0o777).toBe(0o640);
    expect(await compose('fmt')).toMatchObject({ code: 0, err: 'compose.yaml is laid out well already.\n' });
  });

  test('changes nothing with --check or --diff, and ends with 1 when it would', async () => {
    await write('compose.yaml', untidy);
    expect(await compose('fmt --check')).toMatchObject({ code: 1, err: 'compose.yaml would be laid out anew.\n' });
    const { code, out } = await compose('fmt --diff');
    expect(code).toBe(1);
    expect(lines(out)).toContain('+      - 8080:80');
    expect(await readFile(join(folder, 'compose.yaml'), 'utf8')).toBe(untidy);
    await write('compose.yaml', tidy);
    expect(await compose('fmt --check -q')).toMatchObject({ code: 0, out: '', err: '' });
  });

  test('prints what is piped in', async () => {
    expect(await compose('fmt -', { stdin: untidy })).toMatchObject({ code: 0, out: tidy });
  });

  test('leaves a file alone that it cannot read', async () => {
    await write('compose.yaml', 'services: [\n');
    const { code, err } = await compose('fmt');
    expect(code).toBe(2);
    expect(err).toContain('compose.yaml was not changed (COMPOSE_INVALID)');
    expect(await readFile(join(folder, 'compose.yaml'), 'utf8')).toBe('services: [\n');
  });
});

test('floatlab compose lint reads what is piped in, with what lies in this folder', async () => {
  await write('.env', 'TAG=1\n');
  const text = 'services: {web: {image: "nginx:${TAG}"}}\n';
  expect(await compose('lint -', { stdin: text })).toMatchObject({ code: 0 });
  expect((await compose('lint - -o json', { stdin: 'services: {}\n' })).code).toBe(2);
});

describe('floatlab compose convert', () => {
  beforeEach(async () => {
    await write(
      'compose.yaml',
      'services:\n  web:\n    image: nginx:${TAG}\n    ports: ["80:80"]\n    environment: ["A=$B"]\n',
    );
    await write('.env', 'TAG=1\nB=s3cret\n');
  });

  test('writes variables in and short forms long, and hides what may be secret', async () => {
    const { code, out } = await compose('convert');
    expect(code).toBe(0);
    expect(lines(out)).toEqual([
      'name: photos',
      'services:',
      '  web:',
      '    image: nginx:1',
      '    environment:',
      '      A: (hidden)',
      '    ports:',
      '      - target: 80',
      '        published: "80"',
      '        protocol: tcp',
      '    restart: no',
    ]);
  });

  test('shows it when asked, and as JSON', async () => {
    const { out } = await compose('convert --show-secrets -o json');
    expect(JSON.parse(out)).toMatchObject({ services: { web: { environment: { A: 's3cret' } } } });
  });
});

describe('floatlab compose diff', () => {
  test('says what changes, and shows where', async () => {
    await write('a.yaml', 'services:\n  web: { image: "nginx:1" }\nvolumes: { data: }\n');
    await write(
      'b.yaml',
      'services:\n  web: { image: "nginx:2" }\nvolumes: { data: { x-floatlab: { size: 2GiB } } }\n',
    );
    const { code, out } = await compose('diff a.yaml b.yaml');
    expect(code).toBe(1);
    expect(lines(out)).toEqual([
      'Service web: image nginx:1 → nginx:2. It is restarted.',
      'Volume data: size 1 GiB → 2 GiB.',
      '',
      '@@ -1,3 +1,3 @@',
      ' services:',
      '-  web: { image: "nginx:1" }',
      '-volumes: { data: }',
      '+  web: { image: "nginx:2" }',
      '+volumes: { data: { x-floatlab: { size: 2GiB } } }',
    ]);
  });

  test('tells another text from another meaning, and ends with 0 when nothing is different', async () => {
    await write('a.yaml', 'services:\n  web: { image: "nginx:1" }\n');
    await write('b.yaml', 'services:\n  web: { image: nginx:1 }\n');
    const { code, err, out } = await compose('diff a.yaml b.yaml');
    expect([code, err]).toEqual([1, 'It means the same; the text differs.\n']);
    expect(lines(out)).toContain('+  web: { image: nginx:1 }');
    expect(await compose('diff a.yaml a.yaml')).toMatchObject({ code: 0, out: '', err: 'There is no difference.\n' });
    expect(JSON.parse((await compose('diff a.yaml a.yaml -o json')).out)).toEqual({
      same: true,
      changes: [],
      text: [],
    });
  });
});
