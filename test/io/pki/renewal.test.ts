import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority, type KeyPair } from '#io/pki/ca.ts';
import { createNodeKey, issueNode, makeRequest, renewAt } from '#io/pki/node-certificate.ts';
import { ensureNodeKey, readNodeCertificate, writeNodeCertificate } from '#io/pki/node-files.ts';
import { keepNodeCertificate, type RenewalOptions } from '#io/pki/renewal.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const dayMs = 86_400_000;
const startMs = Date.parse('2026-11-21T12:00:00Z');
let [dir, key, authority]: [string, string, KeyPair] = ['', '', { cert: '', key: '' }];
let clock: VirtualClock;
let stop: () => void = () => undefined;
let [renewed, failed]: [KeyPair[], unknown[]] = [[], []];
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'floatlab-pki-')), 'tls');
  key = await ensureNodeKey(dir);
  authority = await createAuthority(startMs);
  clock = new VirtualClock(startMs);
  [renewed, failed] = [[], []];
});
afterEach(async () => {
  stop();
  await rm(join(dir, '..'), { recursive: true });
});

const issue = (csr: string, nowMs = clock.now()) =>
  issueNode(authority, csr, { node: 'atlas', cluster: 'lab', addresses: [], nowMs });
const keep = (more: Partial<RenewalOptions> = {}): void => {
  stop = keepNodeCertificate({
    dir,
    node: 'atlas',
    key,
    caCert: () => authority.cert,
    renew: ({ csr }) => issue(csr),
    onRenewed: (pair) => renewed.push(pair),
    onFailed: (error) => failed.push(error),
    clock,
    random: { next: () => 0.5 },
    ...more,
  });
};
/** Time passes, and the disk has its time, too. */
const pass = async (ms: number, stepMs: number): Promise<void> => {
  for (let at = 0; at < ms; at += stepMs) {
    await clock.run(stepMs);
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  }
};
const settled = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(condition()).toBe(true);
};

describe('the key of a node', () => {
  test('is made once, kept where only the service can read it, and found again', async () => {
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'node.key'))).mode & 0o777).toBe(0o600);
    expect(await ensureNodeKey(dir)).toBe(key);
  });

  test('is never replaced by itself: damaged, or open to others, it is for a person', async () => {
    await chmod(join(dir, 'node.key'), 0o644);
    await expect(ensureNodeKey(dir)).rejects.toMatchObject({ code: 'PERMISSION' });
    await chmod(join(dir, 'node.key'), 0o600);
    await writeFile(join(dir, 'node.key'), 'garbage');
    await expect(ensureNodeKey(dir)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await readFile(join(dir, 'node.key'), 'utf8')).toBe('garbage');
  });
});

describe('the certificate of a node', () => {
  test('is had at once where there is none, or one of another key', async () => {
    expect(await readNodeCertificate(dir, key)).toBeUndefined();
    await writeNodeCertificate(dir, await issue(await makeRequest(createNodeKey(), 'atlas')));
    expect(await readNodeCertificate(dir, key)).toBeUndefined();
    keep();
    await settled(() => renewed.length === 1);
    expect(await readNodeCertificate(dir, key)).toEqual(renewed[0]);
    expect((await stat(join(dir, 'node.crt'))).mode & 0o777).toBe(0o600);
  });

  test('is renewed in time, with the same key, and again', async () => {
    const first = await issue(await makeRequest(key, 'atlas'));
    await writeNodeCertificate(dir, first);
    const dueMs = renewAt(first, 0.5) - startMs;
    keep();
    await pass(dueMs - dayMs, dayMs);
    expect(renewed).toHaveLength(0);
    await pass(2 * dayMs, dayMs / 4);
    await settled(() => renewed.length === 1);
    const [pair] = renewed;
    expect(pair?.key).toBe(key);
    expect(Date.parse(new X509Certificate(pair?.cert ?? '').validTo)).toBeGreaterThan(startMs + 100 * dayMs);
    await pass(70 * dayMs, dayMs);
    await settled(() => renewed.length === 2);
    expect(failed).toHaveLength(0);
  });

  test('that has run out is renewed all the same, as soon as the lab answers', async () => {
    await writeNodeCertificate(dir, await issue(await makeRequest(key, 'atlas'), startMs - 200 * dayMs));
    let isAway = true;
    const tries: number[] = [];
    keep({
      renew: ({ csr }) => {
        tries.push(clock.now());
        return isAway ? Promise.reject(new Error('the lab is away')) : issue(csr);
      },
    });
    await pass(3_600_000, 20_000);
    expect(failed.length).toBe(tries.length);
    // Less and less often, but every ten minutes at least.
    expect(tries.length).toBeGreaterThan(8);
    expect(tries.length).toBeLessThan(20);
    isAway = false;
    await pass(600_000, 20_000);
    await settled(() => renewed.length === 1);
    expect(await readNodeCertificate(dir, key)).toEqual(renewed[0]);
  });

  test('is renewed at once when the clock jumps ahead', async () => {
    await writeNodeCertificate(dir, await issue(await makeRequest(key, 'atlas')));
    keep();
    await pass(dayMs, dayMs / 4);
    clock.jump(80 * dayMs);
    await pass(dayMs / 2, dayMs / 4);
    await settled(() => renewed.length === 1);
  });

  test('is not given away for one that ends before it: whose clock is behind signs for nobody', async () => {
    const first = await issue(await makeRequest(key, 'atlas'));
    await writeNodeCertificate(dir, first);
    clock.jump(60 * dayMs);
    const problems: (string | undefined)[] = [];
    keep({
      renew: async ({ csr, problemOf }) => {
        const behind = await issue(csr, clock.now() - 200 * dayMs);
        problems.push(problemOf(behind));
        return behind;
      },
    });
    await settled(() => failed.length === 1);
    expect([renewed, problems.length]).toEqual([[], 1]);
    expect(problems[0]).toMatch(/ends 2026-10-0\d, and the present one lasts until 2027-02-19/);
    expect((await readNodeCertificate(dir, key))?.cert).toBe(first);
  });

  test('of a machine whose clock is far ahead is renewed a few times an hour, and not all day', async () => {
    await writeNodeCertificate(dir, await issue(await makeRequest(key, 'atlas')));
    const labMs = clock.now();
    clock.jump(3653 * dayMs);
    const startedMs = clock.monotonicMs();
    keep({ renew: ({ csr }) => issue(csr, labMs + clock.monotonicMs() - startedMs) });
    await pass(3_600_000, 20_000);
    expect(renewed.length).toBeGreaterThan(3);
    expect(renewed.length).toBeLessThan(20);
    expect(failed.length).toBe(renewed.length);
    expect(String(failed.at(-1))).toContain('one of the two clocks is wrong');
    // Set right, it has what it needs; one may have been asked for just before.
    clock.jump(-3653 * dayMs);
    const before = renewed.length;
    await pass(dayMs, dayMs / 4);
    expect(renewed.length).toBeLessThanOrEqual(before + 1);
  });

  test('that a clock signed which was years ahead is given away for a usual one', async () => {
    await writeNodeCertificate(dir, await issue(await makeRequest(key, 'atlas'), startMs + 3653 * dayMs));
    keep();
    await settled(() => renewed.length === 1);
    expect(Date.parse(new X509Certificate(renewed[0]?.cert ?? '').validTo)).toBeLessThan(startMs + 91 * dayMs);
    await pass(dayMs, dayMs / 4);
    expect([renewed.length, failed]).toEqual([1, []]);
  });

  test('is not replaced by one that is not ours', async () => {
    const other = await createAuthority(startMs);
    const wrong = [
      async () => issue(await makeRequest(createNodeKey(), 'atlas')),
      (csr: string) => issueNode(other, csr, { node: 'atlas', cluster: 'lab', addresses: [], nowMs: startMs }),
      (csr: string) => issueNode(authority, csr, { node: 'bolt', cluster: 'lab', addresses: [], nowMs: startMs }),
      () => Promise.resolve('garbage'),
    ];
    for (const renew of wrong) {
      keep({ renew: ({ csr }) => renew(csr) });
      const before = failed.length;
      await settled(() => failed.length > before);
      stop();
    }
    expect(renewed).toHaveLength(0);
    expect(await readNodeCertificate(dir, key)).toBeUndefined();
  });

  test('is not asked for any more once it is stopped', async () => {
    let asked = 0;
    keep({
      renew: () => {
        asked += 1;
        return Promise.reject(new Error('away'));
      },
    });
    await settled(() => asked === 1);
    stop();
    await pass(dayMs, dayMs / 4);
    expect(asked).toBe(1);
  });
});
