/** What the first start decides for good: the sample, names, the time zone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { checkLab, refuseOtherName } from '#io/daemon/first-start.ts';
import { hasSample, isSampleDue, sampleWasDeployed } from '#io/daemon/sample-memory.ts';
import { readSettings, type Settings } from '#io/daemon/settings.ts';

const settings = (...args: string[]): Settings => {
  const parsed = readSettings(args, {}, 0);
  if (!('settings' in parsed)) throw new Error('the settings of the test are wrong');
  return parsed.settings;
};
const lab = {
  list: () => [{ context: { metadata: { name: 'home' }, timeZone: 'Europe/Berlin' } }],
} as unknown as LabView;

describe('a later start', () => {
  test('with another name for the node is refused, and says what to do', () => {
    expect(() => refuseOtherName(settings('--name', 'vega'), 'atlas')).toThrow(
      expect.objectContaining({
        code: 'INVALID',
        message: '--name vega is for the first start, and this node is called atlas since then',
        hint: expect.stringContaining('Leave --name out'),
      }),
    );
    refuseOtherName(settings('--name', 'atlas'), 'atlas');
    // The machine was renamed: nobody asked for anything.
    refuseOtherName(settings(), 'atlas');
  });

  test('with another name for the lab is refused as well', () => {
    expect(() => checkLab(settings('--lab', 'work'), lab)).toThrow(/this lab is called home/);
    expect(checkLab(settings('--lab', 'home'), lab)).toEqual([]);
    expect(checkLab(settings(), lab)).toEqual([]);
  });

  test('with another time zone says where to change it: somebody may have changed it there', () => {
    expect(checkLab(settings('--time-zone', 'UTC'), lab)).toEqual([
      expect.stringMatching(/--time-zone UTC is for the first start: .* is Europe\/Berlin\. Change it in the web app/),
    ]);
    expect(checkLab(settings('--time-zone', 'Europe/Berlin'), lab)).toEqual([]);
    expect(checkLab(settings(), lab)).toEqual([]);
  });
});

describe('the welcome app', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'floatlab-sample-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));
  const due = (isFirst: boolean, wanted: boolean): Promise<boolean> => isSampleDue(dataDir, { isFirst, wanted });

  test('is deployed by the first start, and by no other', async () => {
    expect(await due(true, true)).toBe(true);
    await sampleWasDeployed(dataDir);
    expect(await due(false, true)).toBe(false);
    expect(await hasSample(dataDir)).toBe(true);
  });

  test('that somebody did without at the first start never comes later', async () => {
    expect(await due(true, false)).toBe(false);
    for (let n = 0; n < 2; n++) expect(await due(false, true)).toBe(false);
    expect(await hasSample(dataDir)).toBe(false);
  });

  test('of a first start that was cut off is made up for, unless somebody says no then', async () => {
    expect(await due(true, true)).toBe(true);
    expect(await due(false, true)).toBe(true);
    expect(await due(false, false)).toBe(false);
    expect(await due(false, true)).toBe(false);
  });

  test('does not come into a lab that is older than this memory', async () => {
    expect(await due(false, true)).toBe(false);
    expect(await due(false, true)).toBe(false);
  });
});
