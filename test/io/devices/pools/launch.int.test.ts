/** Programs that go on in the background after they have answered. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch } from '#io/devices/pools/launch.ts';
import { patient } from '#test/contracts/pools.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-launch-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a program that goes on in the background', () => {
  test('is not waited for, and what it says later does not end it', async () => {
    const [go, sign] = [join(folder, 'go'), join(folder, 'sign')];
    const script = 'echo begun; { until [ -e "$1" ]; do sleep 0.02; done; echo later; echo done > "$2"; } & exit 0';
    // It goes on only once this has answered.
    const ran = await launch('sh', ['-c', script, 'sh', go, sign], patient());
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'begun\n' });
    await writeFile(go, '');
    const read = () => readFile(sign, 'utf8').catch(() => '');
    while ((await read()) === '') await setTimeout(20);
    expect(await read()).toBe('done\n');
  });

  test('says why it did not begin', async () => {
    const ran = await launch('sh', ['-c', 'echo no such pool >&2; exit 3'], patient());
    expect(ran).toMatchObject({ exitCode: 3, stderr: 'no such pool\n' });
  });

  test('that does not exist, does not answer or is not wanted any more is an error', async () => {
    await expect(launch('no-such-program', [], patient())).rejects.toMatchObject({ code: 'FAILED' });
    await expect(launch('sleep', ['10'], patient({ timeoutMs: 50 }))).rejects.toMatchObject({ code: 'TIMED_OUT' });
    const call = patient({ signal: AbortSignal.timeout(50) });
    await expect(launch('sleep', ['10'], call)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
