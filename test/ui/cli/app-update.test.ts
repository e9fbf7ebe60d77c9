/** `app update`: what would change is shown before anybody is asked, and whoever declines changes nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeServer } from './fake-server.ts';
import { appRow, serviceRow } from './sample-rows.ts';
import { now, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());

const path = '/api/v1/apps/default/photos';
const digest = `sha256:${'b'.repeat(64)}`;
const floatlab = (words: string, setting: Setting = {}): Promise<Run> =>
  run(words.split(' '), { server: lab.url, ...setting });
const updates = () =>
  lab.heard.filter(({ path: to, query }) => to === `${path}/images/update` && query['dryRun'] !== 'true');

beforeEach(() => {
  lab.forget();
  let isAsked = false;
  lab.on(`POST ${path}/images/check`, () => {
    isAsked = true;
    return { json: { index: 1, events: [] } };
  });
  lab.on(`GET ${path}`, () => ({ json: appRow('photos', { imagesCheckedAt: isAsked ? now : null }) }));
  lab.on(`POST ${path}/images/update`, {
    json: { index: 2, events: [], changes: ['Service web: nginx:1.27 aaaaaaaaaaaa → bbbbbbbbbbbb.'] },
  });
});

test('asks the registries, shows what changes, and goes on once it is agreed', async () => {
  const { code, err, asked } = await floatlab('app update photos', { tty: true, answers: [true] });
  expect(err).toContain('Service web: nginx:1.27 aaaaaaaaaaaa → bbbbbbbbbbbb.');
  expect(asked[0]).toContain('Update app photos?');
  expect(code).toBe(0);
  expect(updates()).toHaveLength(1);
});

test('changes nothing when it is declined', async () => {
  const { code } = await floatlab('app update photos', { tty: true, answers: [false] });
  expect(code).toBe(1);
  expect(updates()).toEqual([]);
});

test('says whose registry did not answer', async () => {
  lab.on(`POST ${path}/images/check`, { json: { index: 1, unchanged: true, events: [] } });
  lab.on(`GET ${path}`, { json: appRow('photos', { unanswered: ['web'] }) });
  lab.on(`POST ${path}/images/update`, { json: { index: 1, unchanged: true, events: [] } });
  const { code, err } = await floatlab('app update photos --yes');
  expect(err).toContain('The registry of web did not answer');
  expect(err).toContain('stays as it is');
  expect(code).toBe(0);
});

test('a newer image and where images are ready are shown with the app', async () => {
  const services = { web: serviceRow({ pin: digest, newer: digest }) };
  const imagesOn = [{ id: 'node:vega', name: 'vega' }] as const;
  lab.on(`GET ${path}`, { json: appRow('photos', { services, imagesOn }) });
  const { out } = await floatlab('app show photos');
  expect(out).toMatch(/newer images +web: floatlab app update photos/);
  expect(out).toMatch(/images ready on +vega/);
  expect(out).toContain('nginx:1.27 (newer there)');
});
