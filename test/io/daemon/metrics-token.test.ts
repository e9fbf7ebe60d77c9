/** The token with which Prometheus reads the figures. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureMetricsToken, metricsTokenPath } from '#io/daemon/metrics-token.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-metrics-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

test('the token for metrics is made once, and only the service may read it', async () => {
  const token = await ensureMetricsToken(dataDir);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect((await stat(metricsTokenPath(dataDir))).mode & 0o777).toBe(0o600);
  expect(await ensureMetricsToken(dataDir)).toBe(token);
});

test('another token is made when its file was removed', async () => {
  const token = await ensureMetricsToken(dataDir);
  await rm(metricsTokenPath(dataDir));
  expect(await ensureMetricsToken(dataDir)).not.toBe(token);
});

test('a token of one’s own is taken, and one that anybody could guess is not', async () => {
  const own = 'a'.repeat(40);
  await writeFile(metricsTokenPath(dataDir), `${own}\n`);
  expect(await ensureMetricsToken(dataDir)).toBe(own);
  for (const wrong of ['', 'short', `${own}\n${own}`]) {
    await writeFile(metricsTokenPath(dataDir), wrong);
    await expect(ensureMetricsToken(dataDir)).rejects.toMatchObject({
      code: 'INVALID',
      hint: expect.stringContaining('rm '),
    });
  }
});
