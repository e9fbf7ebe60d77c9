/** Files of volumes by the command line, over the real API of a simulated lab: in, looked at, compared, back, and out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningDaemon } from '#io/daemon/main.ts';
import { readSettings } from '#io/daemon/settings.ts';
import { openSimulatedLab } from '#io/daemon/simulated-lab.ts';
import { emptyHome } from './home.ts';
import { lines, run, type Run, type Setting } from './test-world.ts';

let daemon: RunningDaemon;
let home: string;
let folder: string;

const floatlab = (words: string, setting: Setting = {}): Promise<Run> =>
  run(words.split(' ').filter(Boolean), { home, cwd: folder, ...setting });

async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function namesIn(tar: Buffer): Promise<readonly string[]> {
  const reader = extract();
  reader.end(tar);
  const names: string[] = [];
  for await (const entry of reader) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names.toSorted();
}

beforeAll(async () => {
  const parsed = readSettings(['--simulate', '3', '--listen', '127.0.0.1:0', '--no-sample'], {}, 1000);
  if (!('settings' in parsed)) throw new Error('the settings of the test are wrong');
  daemon = await openSimulatedLab(parsed.settings, {
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    onBroken: (error) => {
      throw error;
    },
  });
  const welcome = daemon.welcome.join('\n');
  const url = /http:\S+/.exec(welcome)?.[0] ?? '';
  const password = /password +(\S+)/.exec(welcome)?.[1] ?? '';
  home = await emptyHome();
  folder = await mkdtemp(join(tmpdir(), 'floatlab-cli-files-'));
  await writeFile(join(folder, 'in.tar'), await tarOf({ 'config/app.ini': 'port=80\n', 'readme.txt': 'hello\n' }));
  await floatlab(`login ${url} --password-stdin`, { stdin: `${password}\n` });
  expect((await floatlab('volume create media --size 1GiB')).code).toBe(0);
});
afterAll(async () => {
  await daemon.stop();
  await rm(folder, { recursive: true });
});

describe('files of a volume', () => {
  test('come in as a tar, and are there', async () => {
    expect(await floatlab('files ls media')).toMatchObject({ code: 0, out: '' });
    const imported = await floatlab('volume import media --file in.tar');
    expect(imported.err).toContain('Volume media has what was imported: 2 files');
    expect(imported.code).toBe(0);
    expect(lines((await floatlab('files ls media -q')).out)).toEqual(['config', 'readme.txt']);
    const listed = lines((await floatlab('files ls media config')).out);
    expect(listed[1]).toMatch(/^-rw-r--r-- +0:0 +8 B .* app\.ini$/);
    // What it was empty before is nothing to go back to.
    expect((await floatlab('volume snapshots media -q')).out).toBe('');
  });

  test('are not replaced by an import, unless that is wanted; what was there is kept', async () => {
    const refused = await floatlab('volume import media --file in.tar');
    expect(refused.err).toContain('The import failed: the volume is not empty');
    expect(refused.code).not.toBe(0);
    expect((await floatlab('files ls media -q')).out).toContain('readme.txt');
    await writeFile(join(folder, 'other.tar'), await tarOf({ 'config/app.ini': 'port=443\n', 'new.txt': 'n' }));
    expect((await floatlab('volume import media --file other.tar --replace --yes')).code).toBe(0);
    expect(lines((await floatlab('files ls media -q')).out)).toEqual(['config', 'new.txt']);
    const [kept] = lines((await floatlab('volume snapshots media -q')).out);
    expect(lines((await floatlab(`files ls media@${kept} -q`)).out)).toEqual(['config', 'readme.txt']);
    expect((await floatlab(`files get media@${kept} config/app.ini --file -`)).out).toBe('port=80\n');
  });

  test('are compared with a snapshot, and come back from it without losing anything', async () => {
    const [kept] = lines((await floatlab('volume snapshots media -q')).out);
    expect(lines((await floatlab(`files diff media@${kept}`)).out)).toEqual([
      expect.stringMatching(/^CHANGE/),
      expect.stringMatching(/^changed +8 B → 9 B +config\/app\.ini/),
      expect.stringMatching(/^added +1 B +new\.txt/),
      expect.stringMatching(/^removed +6 B +readme\.txt/),
    ]);
    const back = await floatlab(`files restore media@${kept} readme.txt config/app.ini`);
    expect(back.err).toContain(`2 paths of media came back from ${kept}; what is there already stays`);
    expect((await floatlab('files get media readme.txt --file -')).out).toBe('hello\n');
    expect(lines((await floatlab('files ls media config -q')).out)).toEqual(['app.ini', `app.ini.restored-${kept}`]);
    await floatlab(`files restore media@${kept} config/app.ini --overwrite --yes`);
    expect((await floatlab('files get media config/app.ini --file -')).out).toBe('port=80\n');
    expect((await floatlab('volume history media')).out).toContain(`came back to volume media from ${kept}`);
  });

  test('go out as a tar, as of a snapshot that goes again', async () => {
    const exported = await floatlab('volume export media --file out.tar');
    expect(exported.code).toBe(0);
    expect(await namesIn(await readFile(join(folder, 'out.tar')))).toContain('./config/app.ini');
    // The lab is told once the last byte has left.
    await expect
      .poll(async () => (await floatlab('volume history media')).out)
      .toContain('Volume media was exported as of');
    const taken = async () => lines((await floatlab('volume snapshots media -o json')).out).join('');
    await expect.poll(taken).not.toContain('"export"');
    expect((await floatlab('files get media config --file dir.tar')).code).toBe(0);
    expect(await namesIn(await readFile(join(folder, 'dir.tar')))).toContain('./app.ini');
  });

  test('that lead out, are cut short, or are no tar, leave the volume as it was', async () => {
    const before = (await floatlab('files ls media -q')).out;
    await writeFile(join(folder, 'bad.tar'), await tarOf({ 'ok.txt': 'ok', '../out.txt': 'out' }));
    await writeFile(join(folder, 'short.tar'), (await readFile(join(folder, 'in.tar'))).subarray(0, 700));
    await writeFile(join(folder, 'no.tar'), 'this is no tar');
    for (const file of ['bad.tar', 'short.tar', 'no.tar']) {
      const { code, err } = await floatlab(`volume import media --file ${file} --replace --yes`);
      expect(code, file).not.toBe(0);
      expect(err, file).toContain('The import failed');
      expect((await floatlab('files ls media -q')).out, file).toBe(before);
    }
    expect((await floatlab('volume ls')).out).toMatch(/media +ready/);
  });

  test('that are not there are an error that says so', async () => {
    expect(await floatlab('files ls media none')).toMatchObject({ code: 4, err: expect.stringContaining('none') });
    expect((await floatlab('files ls media@never')).err).toContain('no snapshot never');
    expect((await floatlab('files get media config/../../etc/passwd')).code).toBe(2);
    expect((await floatlab('files restore media readme.txt')).code).toBe(2);
  });
});

describe('what is in a backup', () => {
  let backup = '';
  beforeAll(async () => {
    expect((await floatlab('volume create letters --size 1GiB')).code).toBe(0);
    await writeFile(
      join(folder, 'letters.tar'),
      await tarOf({ 'drafts/a.txt': 'dear', 'drafts/old/b.txt': 'b', 'sent.txt': 'sent' }),
    );
    expect((await floatlab('volume import letters --file letters.tar')).code).toBe(0);
    expect((await floatlab('backup target add shelf --path /mnt/shelf')).code).toBe(0);
    expect(await floatlab('backup create letters --to shelf')).toMatchObject({ code: 0 });
    backup = (await floatlab('backup ls --volume letters -q')).out.trim();
  });

  test('is listed folder by folder', async () => {
    const { out } = await floatlab(`backup files ${backup}`);
    expect(lines(out).map((line) => line.split(/\s+/).at(-1))).toEqual(['NAME', 'drafts/', 'sent.txt']);
    expect((await floatlab(`backup files ${backup} drafts -q`)).out).toBe('a.txt\nold\n');
    expect((await floatlab(`backup files ${backup} drafts/a.txt -q`)).out).toBe('a.txt\n');
    const missing = await floatlab(`backup files ${backup} nothing`);
    expect(missing).toMatchObject({ code: 4 });
    expect(missing.err).toContain('has no nothing');
  });

  test('comes as a tar: a folder, or all of it', async () => {
    expect((await floatlab(`backup get ${backup} drafts --file part.tar`)).code).toBe(0);
    expect(await namesIn(await readFile(join(folder, 'part.tar')))).toEqual(
      expect.arrayContaining(['./drafts/a.txt', './drafts/old/b.txt']),
    );
    expect(await namesIn(await readFile(join(folder, 'part.tar')))).not.toContain('./sent.txt');
    expect((await floatlab(`backup get ${backup} / --file all.tar`)).code).toBe(0);
    expect(await namesIn(await readFile(join(folder, 'all.tar')))).toContain('./sent.txt');
    expect((await floatlab(`backup get ${backup} gone --file none.tar`)).code).toBe(4);
  });
});
