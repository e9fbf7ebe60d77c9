import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('our processes outlive what makes the V8 of Node 20 write behind the end of a page', async () => {
  const args = ['--import', join(root, 'bin/v8.js'), join(import.meta.dirname, 'page-end.js')];
  const { stdout, signal, exitCode } = await execa(process.execPath, args, { reject: false, timeout: 60_000 });
  expect({ stdout, signal, exitCode }).toEqual({ stdout: 'whole', signal: undefined, exitCode: 0 });
});

test.each(['floatlab.js', 'floatlabd.js'])('%s begins with that', async (launcher) => {
  const imports = (await readFile(join(root, 'bin', launcher), 'utf8')).match(/^import .*$/gm);
  expect(imports?.[0]).toBe("import './v8.js';");
});
