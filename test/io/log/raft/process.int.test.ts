/** Real processes that store into real files, and are killed, or whose disk fails. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { createStorage, openStorage } from '#io/log/raft/open.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { describeReal } from '#test/real.ts';
import { differenceOf, judgeOpened } from './law.ts';
import { deedOf, firstConfiguration, identity, knownAfter, storyOf, type Known } from './member.ts';

/** Lives a story from some step on, and tells after each step that it is stored. Ends when a write fails. */
const child = `
  import { writeSync } from 'node:fs';
  const at = (path) => import(new URL(path, process.env.ROOT).href);
  const { openStorage } = await at('src/io/log/raft/open.ts');
  const { openDirectory } = await at('src/io/stores/directory-real.ts');
  const { openLevel } = await at('src/io/stores/level.ts');
  const { knownAfter, storyOf, deedOf } = await at('test/io/log/raft/member.ts');
  const opening = async () => {
    const directory = await openDirectory(process.env.DIR + '/files');
    return openStorage({ store: await openLevel(process.env.DIR + '/raft'), directory });
  };
  const { storage } = await opening().catch((error) => {
    writeSync(1, 'failed ' + error.code + '\\n');
    process.exit(1);
  });
  const story = storyOf(Number(process.env.SEED), 5000);
  let done = Number(process.env.DONE);
  let known = knownAfter(story.slice(0, done));
  writeSync(1, 'begin ' + done + '\\n');
  for (const step of story.slice(done)) {
    const deed = deedOf(known, step);
    try {
      await deed?.run(storage);
    } catch (error) {
      const again = await deed.run(storage).catch((later) => later);
      writeSync(1, (again === error ? 'failed ' : 'went on after ') + error.code + '\\n');
      process.exit(1);
    }
    known = deed?.next ?? known;
    writeSync(1, 'stored ' + ++done + '\\n');
  }
`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-raft-process-'));
  await (await createStorage(await parts(), identity, firstConfiguration)).storage.close();
});
afterEach(() => rm(dir, { recursive: true }));

test('a process that is killed at any moment has lost nothing that it said was stored', async () => {
  const random = seededRandom(11);
  const seed = 42;
  let done = 0;
  let interrupted = 0;
  for (let round = 0; round < 6; round++) {
    const lines = await lived([], { seed, done }, 20 + random.below(400));
    const stored = lines.findLast((line) => line.startsWith('stored'));
    const acknowledged = stored ? Number(stored.split(' ')[1]) : done;
    expect(acknowledged).toBeGreaterThan(done);
    done = await reopened(seed, acknowledged);
    if (done > acknowledged) interrupted++;
  }
  expect(done).toBeGreaterThan(60);
  expect(interrupted).toBeLessThanOrEqual(6);
}, 120_000);

describeReal('A process whose disk fails', await missingStrace(), () => {
  test.each([2, 5, 12, 40])(
    'ends at sync %i, and has lost nothing that it said was stored',
    async (failsAt) => {
      const inject = ['-e', 'trace=fdatasync', '-e', `inject=fdatasync:error=EIO:when=${failsAt}`];
      const lines = await lived(['strace', '-f', '-qq', '-o', '/dev/null', ...inject], { seed: failsAt, done: 0 });
      expect(lines.at(-1)).toBe('failed FAILED');
      const stored = lines.findLast((line) => line.startsWith('stored'));
      await reopened(failsAt, stored ? Number(stored.split(' ')[1]) : 0);
    },
    120_000,
  );
});

/** @returns how many steps are stored: those that were acknowledged, and perhaps the next that does anything */
async function reopened(seed: number, acknowledged: number): Promise<number> {
  const opened = await openStorage(await parts());
  const story = storyOf(seed, 5000);
  const known = knownAfter(story.slice(0, acknowledged));
  const next = story.findIndex((step, at) => at >= acknowledged && deedOf(known, step) !== undefined);
  const after = deedOf(known, story[next] as (typeof story)[number])?.next as Known;
  expect(judgeOpened(opened, known, [after]), JSON.stringify(opened.findings)).toBe('exact');
  await opened.storage.close();
  return differenceOf(opened, known) === undefined ? acknowledged : next + 1;
}

/** What the process said, until it ended or was killed. */
async function lived(
  before: readonly string[],
  { seed, done }: { readonly seed: number; readonly done: number },
  killAfterMs?: number,
): Promise<readonly string[]> {
  const env = {
    ...process.env,
    ROOT: new URL('../../../../', import.meta.url).href,
    DIR: dir,
    SEED: String(seed),
    DONE: String(done),
  };
  const [program, ...args] = [...before, process.execPath, '--import', 'tsx', '--input-type=module', '-e', child];
  const running = spawn(program as string, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let timer: NodeJS.Timeout | undefined;
  running.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    // From the first thing that is stored on.
    if (killAfterMs !== undefined && output.includes('stored'))
      timer ??= setTimeout(() => running.kill('SIGKILL'), killAfterMs);
  });
  await new Promise((resolve) => running.once('close', resolve));
  clearTimeout(timer);
  return output.split('\n').slice(0, -1);
}

async function parts() {
  const directory = await openDirectory(join(dir, 'files'));
  return { store: await openLevel(join(dir, 'raft')), directory };
}

async function missingStrace(): Promise<string | undefined> {
  const probe = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', 'true'], { stdio: 'ignore' });
  const code = await new Promise((resolve) => {
    probe.once('error', () => resolve(undefined));
    probe.once('close', resolve);
  });
  return code === 0 ? undefined : 'strace that may trace';
}
