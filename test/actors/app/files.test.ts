/** Whoever edits the text of a compose file alone must not lose the files beside it. */
import { describe, expect, test } from 'vitest';
import { packFiles, unpackFiles } from '#actors/app/files.ts';
import { readsOf } from '#actors/dispatch.ts';
import { Lab } from '#actors/lab.ts';
import { upcast } from '#events/registry.ts';
import type { LabEvent } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const file = (text: string) => ({ content: Buffer.from(text).toString('base64'), mode: 0o644 });
const compose = `name: photos
services:
  web:
    image: "\${IMAGE}"
    env_file: app.env
    volumes: ["./conf:/conf:ro"]
`;
const files = { '.env': file('IMAGE=nginx:1.27\n'), 'app.env': file('KEY=1\n'), 'conf/a.conf': file('a') };

const deployed = (): TestLab => {
  const lab = TestLab.ready();
  lab.must('deploy-app', { compose, files });
  return lab;
};
const bundleOf = (lab: TestLab): { services: Record<string, object>; files: readonly object[] } => {
  const text = lab.blobs
    .map((bytes) => new TextDecoder().decode(bytes))
    .findLast((blob) => blob.includes('"services"'));
  return JSON.parse(text ?? '{}') as never;
};

describe('a revision without files', () => {
  test('keeps those of the last one: `.env`, env files and what is mounted', () => {
    const lab = deployed();
    lab.must('deploy-app', { compose: compose.replace(':ro', '') });
    expect(bundleOf(lab)).toMatchObject({
      services: { web: { image: 'nginx:1.27', environment: ['KEY=1'] } },
      files: [{ path: 'conf/a.conf' }],
    });
  });

  test('and with the same text changes nothing', () => {
    const lab = deployed();
    expect(lab.types('deploy-app', { compose })).toEqual([]);
  });

  test('is not one that says it has none', () => {
    const { rejected } = deployed().run('deploy-app', { compose, files: {} });
    expect(rejected?.findings?.map(({ message }) => message)).toContain('Variable `IMAGE` is not set.');
  });

  test('of a new app has none', () => {
    const lab = TestLab.ready();
    expect(lab.types('deploy-app', { compose: 'name: a\nservices: { web: { image: nginx } }\n' })).toContain(
      'app.created',
    );
  });

  test('is refused when those of the last one are not at hand', () => {
    const lab = deployed();
    const { files: address } = lab.lab.get(lab.app('photos'))?.context ?? {};
    const without = lab.blobs.filter((bytes) => !new TextDecoder().decode(bytes).includes('app.env",{'));
    expect(without.length).toBe(lab.blobs.length - 1);
    lab.blobs.splice(0, lab.blobs.length, ...without);
    expect(address).toMatch(/^[0-9a-f]{64}$/);
    expect(lab.run('deploy-app', { compose: `${compose}# new` }).rejected).toMatchObject({
      code: 'NOT_FOUND',
      explain: 'The files beside the compose file of app photos are not at hand.',
      hint: expect.stringContaining('floatlab up'),
    });
    expect(lab.types('deploy-app', { compose: `${compose}# new`, files })).toContain('app.updated');
  });

  test('of an app from before files were kept is refused, and deploying it with them mends that', () => {
    const lab = deployed();
    const old = new Lab();
    for (const event of lab.events) {
      const { files: _, ...data } = event.data as { files?: string };
      const isOld = event.type === 'app.created';
      old.fold({ ...event, data: isOld ? upcast(event.type, 1, data) : event.data } as LabEvent);
    }
    expect(old.get(lab.app('photos'))?.context.files).toBeNull();
    const input = { namespace: 'default', fileName: 'compose.yaml', compose, start: true };
    expect(readsOf({ name: 'deploy-app', input }, old)).toHaveLength(1);
    expect(readsOf({ name: 'deploy-app', input }, lab.lab)).toHaveLength(2);
  });

  test('is told from another app by its name, also where that comes from a file', () => {
    const lab = TestLab.ready();
    const named = (app: string) => ({ '.env': file(`NAME=${app}\n`) });
    const text = 'name: "${NAME:-photos}"\nservices: { web: { image: nginx } }\n';
    lab.must('deploy-app', { compose: text, files: {} });
    lab.must('deploy-app', { name: 'photos', compose: text, files: named('wiki') });
    // Its file says photos; with the file of photos beside it, it says wiki.
    expect(lab.run('deploy-app', { compose: text }).rejected?.code).toBe('INVALID');
    expect(lab.types('deploy-app', { compose: text, name: 'photos' })).toEqual([]);
  });
});

describe('an override', () => {
  const over = (text: string) => ({ ...file(text), override: 1 });
  test('is a file of the revision: whoever sends none goes on with it', () => {
    const lab = TestLab.ready();
    const text = 'name: photos\nservices: { web: { image: nginx } }\n';
    const change = over('services: { web: { image: "caddy:2", labels: { a: b } } }');
    lab.must('deploy-app', { compose: text, files: { 'compose.override.yaml': change } });
    expect(bundleOf(lab).services['web']).toMatchObject({ image: 'caddy:2' });
    lab.must('deploy-app', { compose: `${text}x-more: 1\n` });
    expect(bundleOf(lab).services['web']).toMatchObject({ image: 'caddy:2', labels: { a: 'b' } });
    lab.must('deploy-app', { compose: text, files: {} });
    expect(bundleOf(lab).services['web']).toMatchObject({ image: 'nginx' });
  });
  test('may name the app', () => {
    const lab = TestLab.ready();
    const files = { 'a.yaml': over('name: wiki') };
    lab.must('deploy-app', { compose: 'name: photos\nservices: { web: { image: nginx } }\n', files });
    expect(lab.lab.byName('app', 'default', 'wiki')).toBeDefined();
  });
});

describe('files', () => {
  test('come back as they were, and the same files are the same bytes', () => {
    expect(unpackFiles(packFiles(files))).toEqual(files);
    const turned = Object.fromEntries(Object.entries(files).toReversed());
    expect(packFiles(turned)).toEqual(packFiles(files));
  });

  test('are nowhere in the log', () => {
    const lab = deployed();
    expect(JSON.stringify(lab.entries)).not.toContain(files['app.env'].content);
  });

  test('of which only a comment differs are a new revision: the next one goes on from them', () => {
    const lab = deployed();
    const more = { ...files, '.env': file('IMAGE=nginx:1.27\nNEW=2\n') };
    expect(lab.types('deploy-app', { compose, files: more })).toEqual(['operation.started', 'app.updated']);
    lab.must('deploy-app', { compose: `${compose}    labels: { new: "\${NEW}" }\n` });
    expect(bundleOf(lab).services['web']).toMatchObject({ labels: { new: '2' } });
  });
});
