/**
 * What every route of volumes answers when there is nothing to do, nothing of that name, or when it is not possible now,
 * decided by the real decisions: 304 or `unchanged`, 404, 409.
 */
import { describe, expect, test } from 'vitest';
import type { CommandName } from '#actors/commands.ts';
import { volumesRoutes } from '#io/contract/routes/volumes.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { askOf, type Asked } from './real-decisions.ts';

const gib = 2 ** 30;
const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 1GiB }
`;

/** A volume that is ready (`data`), one that is being changed (`busy`), one of an app, one adopted, one deleted. */
function labOfAll(): TestLab {
  const lab = new TestLab();
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  lab.join('atlas', 0, [
    { name: 'main', driver: 'btrfs', sizeBytes: 500 * gib },
    { name: 'tank', driver: 'zfs', sizeBytes: 500 * gib },
  ]);
  lab.running(compose);
  for (const name of ['data', 'busy', 'gone']) {
    lab.must('create-volume', { name, spec: { sizeBytes: gib } });
    lab.must('place-volume', { volume: lab.volume(name), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  }
  lab.provision();
  lab.must('adopt-volume', { name: 'old', node: 'atlas', pool: 'main', native: '/old', spec: { sizeBytes: gib } });
  const old = lab.volume('old');
  const adopted = { volume: old, visit: lab.visit(old), dataset: 'old', path: '/old' };
  lab.must('report-volume-provisioned', adopted, 'node:atlas');
  for (const volume of ['data', 'busy']) lab.snapshotTaken(volume, 'monday');
  lab.must('delete-volume', { name: 'gone' });
  lab.must('change-volume', { name: 'busy', sizeBytes: 2 * gib });
  return lab;
}

interface Row {
  /** What is so already. Undefined: this always does something. */
  readonly nothing?: Asked;
  readonly missing?: Asked;
  /** Not possible as things are. */
  readonly conflict?: Asked;
}

const at = (name: string, rest = ''): string => `/api/v1/volumes/default/${name}${rest}`;
const adopt = { node: 'atlas', pool: 'main', native: '/old', spec: { sizeBytes: gib } };

const table: Partial<Record<CommandName, Row>> = {
  'create-volume': {
    nothing: ['/api/v1/volumes', { name: 'data', spec: { sizeBytes: gib } }],
    missing: ['/api/v1/volumes', { name: 'x', namespace: 'none', spec: { sizeBytes: gib } }],
    conflict: ['/api/v1/volumes', { name: 'data', spec: { sizeBytes: 2 * gib } }],
  },
  'adopt-volume': {
    nothing: ['/api/v1/volumes/adopt', { name: 'old', ...adopt }],
    missing: ['/api/v1/volumes/adopt', { name: 'new', ...adopt, native: '/new', pool: 'none' }],
    conflict: ['/api/v1/volumes/adopt', { name: 'other', ...adopt }],
  },
  'change-volume': {
    nothing: [at('data'), { sizeBytes: gib }],
    missing: [at('none'), { sizeBytes: gib }],
    conflict: [at('busy'), { sizeBytes: 3 * gib }],
  },
  'label-volume': {
    nothing: [at('data', '/labels'), { labels: { team: null } }],
    missing: [at('none', '/labels'), { labels: {} }],
  },
  'rename-volume': {
    nothing: [at('data', '/rename'), { to: 'data' }],
    missing: [at('none', '/rename'), { to: 'x' }],
    conflict: [at('data', '/rename'), { to: 'busy' }],
  },
  'clone-volume': {
    missing: [at('none', '/clone'), { as: 'x' }],
    conflict: [at('busy', '/clone'), { as: 'x' }],
  },
  'move-volume': {
    nothing: [at('data', '/move'), { pool: 'main' }],
    missing: [at('data', '/move'), { pool: 'none' }],
    conflict: [at('busy', '/move'), { pool: 'tank' }],
  },
  'cancel-move': { nothing: [at('data', '/move/cancel'), {}], missing: [at('none', '/move/cancel'), {}] },
  'retry-volume': { nothing: [at('data', '/retry'), {}], missing: [at('none', '/retry'), {}] },
  'release-volume': { missing: [at('none', '/release'), {}], conflict: [at('data', '/release'), {}] },
  'delete-volume': {
    nothing: [at('gone-deleted')],
    missing: [at('none')],
    conflict: [at('photos-data')],
  },
  'recover-volume': {
    nothing: [at('data', '/recover'), {}],
    missing: [at('none', '/recover'), {}],
    conflict: [at('gone-deleted', '/recover'), { as: 'data' }],
  },
  'take-snapshot': {
    missing: [at('none', '/snapshots'), {}],
    conflict: [at('busy', '/snapshots'), {}],
  },
  'note-snapshot': {
    nothing: [at('data', '/snapshots/monday'), { note: null }],
    missing: [at('data', '/snapshots/none'), { note: null }],
  },
  'remove-snapshot': { missing: [at('data', '/snapshots/none')] },
  'rollback-volume': {
    missing: [at('data', '/rollback'), { snapshot: 'none' }],
    conflict: [at('busy', '/rollback'), { snapshot: 'monday' }],
  },
  'cancel-rollback': {
    nothing: [at('data', '/rollback/cancel'), {}],
    missing: [at('none', '/rollback/cancel'), {}],
  },
};

const commands = volumesRoutes.flatMap(({ action, method }) =>
  'command' in action ? [{ command: action.command, method: method.toUpperCase() }] : [],
);

const ask = (method: string, asked: Asked) => askOf(labOfAll(), method, asked);

describe('a route of volumes', () => {
  test('is in this table, with each answer that it can give', () => {
    // Those of files and of sets of snapshots have tests of their own.
    const others = commands.map(({ command }) => command).filter((command) => /files|app-snapshot/.test(command));
    expect([...Object.keys(table), ...others].toSorted()).toEqual(commands.map(({ command }) => command).toSorted());
  });

  const rows = commands.flatMap(({ command, method }) => {
    const row = table[command];
    return row ? [{ command, method, row }] : [];
  });

  test.each(rows.filter(({ row }) => row.nothing))('$command that changes nothing says so', async ({ method, row }) => {
    const answer = await ask(method, row.nothing as Asked);
    if (method === 'PATCH') expect(answer.status).toBe(304);
    else expect([answer.status, answer.json]).toEqual([200, expect.objectContaining({ unchanged: true })]);
  });

  test.each(rows.filter(({ row }) => row.missing))('$command of what is not there is 404', async ({ method, row }) => {
    const { status, json } = await ask(method, row.missing as Asked);
    expect([status, (json as { code?: string }).code]).toEqual([404, 'NOT_FOUND']);
  });

  test.each(rows.filter(({ row }) => row.conflict))(
    '$command that is not possible now is 409, with the reason and what to do',
    async ({ method, row }) => {
      const { status, json } = await ask(method, row.conflict as Asked);
      expect(status).toBe(409);
      expect(json).toMatchObject({ detail: expect.stringMatching(/./), code: expect.stringMatching(/./) });
    },
  );

  test('past newer snapshots is 409 as long as nobody says so', async () => {
    const real = labOfAll();
    real.now += 60_000;
    real.snapshotTaken('data', 'tuesday');
    expect(real.run('rollback-volume', { name: 'data', snapshot: 'monday' }).rejected?.code).toBe('NEWER_SNAPSHOTS');
  });
});
