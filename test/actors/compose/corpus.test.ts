import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { appSpec } from '#events/app.ts';
import { fixtures, inputFromFolder, inputFromScript } from './fixtures.ts';

const good = join(fixtures, 'good');
const bad = join(fixtures, 'bad');

describe('a compose file of a popular app', () => {
  test.each(readdirSync(good))('%s is read as it was meant', async (app) => {
    const result = readCompose(inputFromFolder(join(good, app)));
    if ('findings' in result) throw new Error(renderFindings(result.findings));
    expect(appSpec.parse(result.app.spec)).toEqual(result.app.spec);
    const files = result.app.bundle.files.map(({ path, mode }) => ({ path, mode }));
    const shown = { ...result.app, bundle: { ...result.app.bundle, files }, notes: renderFindings(result.app.notes) };
    await expect(`${JSON.stringify(shown, null, 2)}\n`).toMatchFileSnapshot(join(good, app, 'expected.snap'));
  });
});

describe('a compose file with mistakes', () => {
  test.each(readdirSync(bad))('%s says what, where and what to do', async (name) => {
    const { input, given } = inputFromScript(readFileSync(join(bad, name), 'utf8'));
    const result = readCompose(input);
    const shown = 'findings' in result ? renderFindings(result.findings) : 'none';
    await expect(`${given}=== findings\n${shown}\n`).toMatchFileSnapshot(join(bad, name));
  });
});
