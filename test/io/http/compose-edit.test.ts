/** Single values of an app's compose file over HTTP, decided by the real decisions; and the schema for editors. */
import { expect, test } from 'vitest';
import { TestLab } from '#test/actors/test-lab.ts';
import { askOf } from './real-decisions.ts';
import { send, startServer } from './test-server.ts';

const path = '/api/v1/apps/default/photos/compose';
const deployed = (): TestLab => {
  const lab = TestLab.ready();
  lab.must('deploy-app', {
    compose: 'name: photos\nservices: { web: { image: nginx } }\nx-floatlab: { keep: 24h:1h } # a day\n',
  });
  return lab;
};
const edits = [{ do: 'set', path: ['x-floatlab', 'keep'], value: '14d:1d' }];

test('an edit makes a revision, whose file has the new value and its comments', async () => {
  const lab = deployed();
  const answer = await askOf(lab, 'PATCH', [path, { revision: 1, edits }]);
  expect(answer.status).toBe(202);
  expect(lab.blobs.map((bytes) => new TextDecoder().decode(bytes)).join('')).toContain('{ keep: 14d:1d } # a day');
});

test.each([
  ['of an app that is not there', '/api/v1/apps/default/none/compose', { revision: 1, edits }, 404, 'NOT_FOUND'],
  ['of another revision', path, { revision: 7, edits }, 409, 'STALE'],
  ['that the file cannot take', path, { revision: 1, edits: [{ do: 'remove', path: ['nothing'] }] }, 400, 'INVALID'],
  ['that says nothing', path, { revision: 1 }, 400, 'INVALID'],
] as const)('an edit %s is refused', async (_, where, body, status, code) => {
  const answer = await askOf(deployed(), 'PATCH', [where, body]);
  expect([answer.status, answer.json.code]).toEqual([status, code]);
});

test('the schema of compose files is told to everybody, so that an editor needs no session', async () => {
  const { url } = await startServer();
  const answer = await send(`${url}/api/v1/compose/schema.json`);
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' });
});
