/** Settings of an app that are changed one by one go into its file, which keeps all that a person wrote. */
import { describe, expect, test } from 'vitest';
import { TestLab } from '../test-lab.ts';

const file = (text: string) => ({ content: Buffer.from(text).toString('base64'), mode: 0o644 });
const compose = `# the photos of the family
name: photos
services:
  web: &web
    image: "\${IMAGE}" # pinned
  more: *web
volumes:
  data: # large
x-floatlab:
  keep: '24h:1h' # a day
`;
const deployed = (): TestLab => {
  const lab = TestLab.ready();
  lab.must('deploy-app', { compose, files: { '.env': file('IMAGE=nginx:1.27\n') } });
  return lab;
};
const fileOf = (lab: TestLab): string | undefined =>
  lab.blobs.map((bytes) => new TextDecoder().decode(bytes)).findLast((text) => text.includes('# the photos'));
const target = { name: 'photos', revision: 1 };

describe('an edit of an app', () => {
  test('changes the values in its file, and nothing else of it', () => {
    const lab = deployed();
    const types = lab.types('edit-app', {
      ...target,
      edits: [
        { do: 'set', path: ['x-floatlab', 'keep'], value: '14d:1d' },
        { do: 'set', path: ['x-floatlab', 'icon'], value: 'https://photos.lab/icon.svg' },
        { do: 'set', path: ['volumes', 'data', 'x-floatlab', 'size'], value: '5GiB' },
      ],
    });
    expect(types).toContain('app.updated');
    expect(fileOf(lab)).toBe(
      compose
        .replace("'24h:1h' # a day\n", "'14d:1d' # a day\n  icon: https://photos.lab/icon.svg\n")
        .replace('data: # large\n', 'data: # large\n    x-floatlab:\n      size: 5GiB\n'),
    );
  });

  test('that says what is there already changes nothing', () => {
    const edits = [{ do: 'set' as const, path: ['x-floatlab', 'keep'], value: '24h:1h' }];
    expect(deployed().types('edit-app', { ...target, edits })).toEqual([]);
  });

  test('of another revision than the present one is refused', () => {
    const edits = [{ do: 'remove' as const, path: ['x-floatlab'] }];
    const { rejected } = deployed().run('edit-app', { ...target, revision: 2, edits });
    expect(rejected).toMatchObject({ code: 'STALE' });
  });

  test('that would change others is refused in words, and so is one that makes the file wrong', () => {
    const image = { do: 'set' as const, path: ['services', 'web', 'image'], value: 'nginx' };
    expect(deployed().run('edit-app', { ...target, edits: [image] }).rejected).toMatchObject({
      code: 'FIXED',
      explain: '`services.web.image` is part of `&web`, which line 6 uses, too: both would change.',
    });
    const keep = { do: 'set' as const, path: ['x-floatlab', 'keep'], value: 'for ever' };
    expect(deployed().run('edit-app', { ...target, edits: [keep] }).rejected).toMatchObject({
      code: 'COMPOSE_INVALID',
    });
  });

  test('of an app that is not there is refused', () => {
    const edits = [{ do: 'remove' as const, path: ['x-floatlab'] }];
    expect(TestLab.ready().run('edit-app', { ...target, edits }).rejected).toMatchObject({ code: 'NOT_FOUND' });
  });
});
