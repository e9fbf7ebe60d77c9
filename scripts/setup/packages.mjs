/**
 * The npm packages of the checkout: installed when package-lock.json is another one than at the last installation,
 * which a mark in node_modules remembers.
 *
 * `npm install`, not `npm ci`: a registry may lack the optional binaries of other platforms, and then `npm ci` refuses
 * the whole lock file. In return npm may write to the lock file; that is put back, and said.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ending, patiently, Refusal, run, say } from './run.mjs';

/** @throws Refusal with the end of what npm said */
export async function ensurePackages(root) {
  const lockFile = join(root, 'package-lock.json');
  const mark = join(root, 'node_modules', '.floatlab-lock');
  const lock = await readFile(lockFile, 'utf8');
  // Some packages bring a binary for one platform.
  const wanted = `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}`;
  if ((await readFile(mark, 'utf8').catch(() => '')) === wanted) return;

  say('Installing the npm packages of FloatLab.');
  await patiently('npm', () => install(root, lockFile, lock));
  await writeFile(mark, wanted);
}

async function install(root, lockFile, lock) {
  const { code, output } = await npm(root, 'install', '--no-audit', '--no-fund', '--include=dev');
  if ((await readFile(lockFile, 'utf8').catch(() => undefined)) !== lock) {
    await writeFile(`${lockFile}.back`, lock);
    await rename(`${lockFile}.back`, lockFile);
    say('npm changed package-lock.json: it was put back as it was.');
  }
  if (code === 0) return;
  throw new Refusal(
    [
      `The npm packages could not be installed: npm ended with code ${code}. It said:`,
      ...ending(output),
      'Is the registry reachable? When that is mended, run the same command again.',
    ].join('\n'),
  );
}

function npm(root, ...args) {
  const env = { ...process.env };
  // An empty HOME would make npm keep its cache in the current folder.
  if (env.HOME === '') delete env.HOME;
  const own = env.npm_execpath;
  return own !== undefined && basename(own) === 'npm-cli.js'
    ? run(process.execPath, [own, ...args], { env, cwd: root })
    : run('npm', args, { env, cwd: root });
}
