import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attestationFile } from '#io/devices/attestations/real.ts';
import { simAttestations } from '#io/devices/attestations/sim.ts';
import { attestationsContract } from '#test/contracts/attestations.ts';

describe('in memory', () => {
  const store = simAttestations();
  attestationsContract(() => store);
});

describe('in a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'attestations-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const warnings: string[] = [];
  const open = (name: string) => attestationFile(join(dir, name), (message) => warnings.push(message));
  attestationsContract(() => open('kept'));

  test('that is not what was written is not believed, and somebody is told', async () => {
    const store = open('spoilt');
    await store.write({ boot: 'b', bootMs: 1, wallMs: 2, replicas: { r: { until: { a1: 5000 } } } });
    const text = await readFile(join(dir, 'spoilt'), 'utf8');
    await writeFile(join(dir, 'spoilt'), text.replace('5000', '9000'));
    expect(await store.read()).toBeUndefined();
    expect(warnings.join()).toContain('its checksum does not fit');
  });

  test('that cannot be written is an error with a name', async () => {
    const there = attestationFile(join(dir, 'no', 'such'), () => {});
    await expect(there.write({ boot: 'b', bootMs: 1, wallMs: 2, replicas: {} })).rejects.toMatchObject({
      op: 'keep what replicas lack',
    });
  });
});
