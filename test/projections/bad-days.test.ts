/** On a bad day a volume says what is wrong and which command repairs it; and that one command does. */
import { describe, expect, test } from 'vitest';
import type { Problem } from '#events/values/metadata.ts';
import { judge } from '#actors/sensors/volume-look.ts';
import { Folded } from '#io/lab/folded.ts';
import { commandError as btrfsError } from '#io/devices/volumes/btrfs/errors.ts';
import { commandError as zfsError } from '#io/devices/volumes/zfs/errors.ts';
import type { IoError } from '#io/devices/error.ts';
import { problemOf } from '#projections/why.ts';
import { TestLab } from '../actors/test-lab.ts';
import { programAlone } from '../ui/cli/program.ts';

const said = (stderr: string) => ({ exitCode: 1, stdout: '', stderr }) as Parameters<typeof zfsError>[2];
const zfs = (stderr: string) => zfsError('create', 'tank/data', said(stderr));
const btrfs = (stderr: string) => btrfsError('create', '/pool/data', said(stderr));

/** As the tools say it. */
const failures: readonly (readonly [day: string, code: string, error: IoError])[] = [
  ['a full pool', 'NO_SPACE', zfs("cannot create 'tank/data': out of space")],
  ['a full pool', 'NO_SPACE', btrfs('ERROR: Could not create subvolume: No space left on device')],
  ['a pool that vanished', 'POOL_MISSING', zfs("cannot open 'tank': no such pool")],
  ['a pool that vanished', 'POOL_MISSING', btrfs('ERROR: not a btrfs filesystem: /pool')],
  ['a pool that went read-only', 'READ_ONLY', zfs("cannot create 'tank/data': pool is read only")],
  ['a pool that went read-only', 'READ_ONLY', btrfs('ERROR: cannot snapshot: Read-only file system')],
  ['a dataset in use', 'BUSY', zfs("cannot unmount '/tank/data': Device or resource busy")],
  ['a dataset in use', 'BUSY', btrfs('ERROR: Could not destroy subvolume: Device or resource busy')],
  ['a held snapshot', 'HELD', zfs("cannot destroy snapshot tank/data@a: it's being held.")],
  ['a clone that depends on it', 'HELD', zfs("cannot destroy 'tank/data@a': snapshot has dependent clones")],
  ['a disk with errors', 'DAMAGED', zfs("cannot open 'tank/data': I/O error")],
  ['a disk with errors', 'DAMAGED', btrfs('ERROR: Input/output error')],
  ['a command that was killed', 'FAILED', zfs('')],
];

function volumeThere(): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  return lab;
}

/** What the lab shows of it: its alert, and its row. */
function shown(lab: TestLab): { readonly alert: string | undefined; readonly row: Problem | null | undefined } {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  const volume = lab.volume('data');
  const alert = folded.rows('alerts').find(([, row]) => row.stream === volume)?.[1];
  return { alert: alert?.hint ?? undefined, row: folded.rows('volumes').find(([key]) => key === volume)?.[1].problem };
}

/** @returns the command that is named, and that the command line takes it */
function named(hint: string | undefined): string | undefined {
  const words = /floatlab (volume \w+ data)/.exec(hint ?? '')?.[1];
  const [group, command] = words?.split(' ') ?? [];
  const known = programAlone().commands.find((one) => one.name() === group)?.commands;
  return known?.some((one) => one.name() === command || one.aliases().includes(command ?? '')) ? words : undefined;
}

describe.each(failures)('%s (%s)', (_, code, error) => {
  test('is told with the command that goes on from there, and that one makes the volume ready', () => {
    const lab = volumeThere();
    const volume = lab.volume('data');
    expect(error.code).toBe(code);
    const problem = {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    const { alert, row } = shown(lab);
    expect(named(alert)).toBe('volume retry data');
    expect(row).toMatchObject({ code, hint: alert });
    expect(problemOf(lab.lab.get(volume) as never)?.hint).toBe(alert);
    lab.must('retry-volume', { name: 'data' });
    lab.provision();
    expect(lab.lab.get(volume)?.state).toBe('ready');
    expect(shown(lab)).toEqual({ alert: undefined, row: null });
  });
});

const expected = { name: 'data', pool: 'main', dataset: 'data', path: '/pool/data', sizeBytes: 2 ** 30 };
const byHand = [
  ['was destroyed', judge(expected, { dataset: null })],
  ['was unmounted', judge(expected, { reach: 'absent' })],
  ['was moved', judge(expected, { dataset: { path: '/elsewhere', sizeBytes: 2 ** 30 }, reach: 'writable' })],
  ['was made read-only', judge(expected, { reach: 'read-only' })],
  ['got another quota', judge(expected, { dataset: { path: '/pool/data', sizeBytes: 1 }, reach: 'writable' })],
  [
    'went with its pool',
    judge(expected, { error: { code: 'POOL_MISSING', message: 'It is not there.', hint: 'Mount it.' } }),
  ],
] as const;

test.each(byHand)('a volume that %s by hand says so, and one command puts it right', (_, verdict) => {
  const lab = volumeThere();
  lab.provision();
  const volume = lab.volume('data');
  const { problem = null, isGone = false } = verdict ?? {};
  lab.must('report-volume-look', { volume, visit: lab.visit(volume), problem, isGone }, 'node:atlas');
  expect(named(shown(lab).alert)).toBe('volume repair data');
  lab.must('retry-volume', { name: 'data' });
  lab.provision();
  expect(lab.lab.get(volume)?.state).toBe('ready');
  expect(shown(lab)).toEqual({ alert: undefined, row: null });
});
