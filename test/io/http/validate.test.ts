import { describe, expect, test } from 'vitest';
import { packFiles } from '#actors/app/files.ts';
import { startServer } from './test-server.ts';

const file = (text: string) => ({ content: Buffer.from(text).toString('base64'), mode: 0o644 });
const compose = 'name: photos\nservices:\n  web:\n    image: ${IMAGE}\n    env_file: app.env\n';
const files = { '.env': file('IMAGE=nginx:1.27\n'), 'app.env': file('KEY=1\n') };

/** A lab with an app photos that was deployed with files. */
async function withPhotos() {
  const server = await startServer();
  const ref = 'c'.repeat(64);
  server.blobs.set(ref, packFiles(files));
  const app = { context: { files: ref, metadata: { name: 'photos', namespace: 'default' } } };
  const byName = (kind: string, namespace: string, name: string) =>
    kind === 'app' && namespace === 'default' && name === 'photos' ? app : undefined;
  Object.assign(server.lab.view, { byName });
  const check = async (body: object) =>
    (await server.api('/api/v1/compose/validate', { method: 'POST', body })).json as {
      findings: { message: string }[];
      files?: string[];
      name?: string;
    };
  return { ...server, check };
}

describe('the check of a compose file', () => {
  test('goes on from the files of the last revision when none are sent, and names them', async () => {
    const { check } = await withPhotos();
    expect(await check({ compose })).toEqual({ findings: [], notes: [], files: ['.env', 'app.env'], name: 'photos' });
    expect(await check({ compose: compose.replace('name: photos\n', ''), name: 'photos' })).toMatchObject({
      findings: [],
      name: 'photos',
    });
  });

  test('takes no files for none when that is said, and of another app', async () => {
    const { check } = await withPhotos();
    const missing = ['Variable `IMAGE` is not set.', 'The file `app.env` is not there.'];
    for (const body of [
      { compose, files: {} },
      { compose, name: 'wiki' },
      { compose, namespace: 'team' },
    ]) {
      const { findings, files: kept } = await check(body);
      expect(findings.map(({ message }) => message)).toEqual(missing);
      expect(kept).toBeUndefined();
    }
  });

  test('says what is missing when they are not at hand', async () => {
    const { check, blobs } = await withPhotos();
    blobs.clear();
    expect((await check({ compose })).findings).toHaveLength(2);
  });
});
