/**
 * Whatever a volume is at when its file system fails, it says what is wrong; where a person has to do something it names
 * the command, and that one leads on. What the node says of an error is what its agent says, and nothing that a test made up.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { operationsPolicy } from '#actors/policies/operations.ts';
import { workOf } from '#actors/registry.ts';
import type { WorkOrder } from '#actors/work.ts';
import type { Principal, StreamId } from '#events/envelope.ts';
import { failureOf, delayOf } from '#io/agent/workers.ts';
import { IoError, ioErrorCodes, type IoErrorCode } from '#io/devices/error.ts';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '../actors/test-lab.ts';
import { programAlone } from '../ui/cli/program.ts';

const spec = { sizeBytes: 2 ** 30 };
/** What a port of volumes may reject with; that it was canceled or fenced is no failure. */
const codes = [
  'TIMED_OUT',
  'FAILED',
  'INVALID',
  'MISSING',
  'EXISTS',
  'BUSY',
  'NO_SPACE',
  'READ_ONLY',
  'POOL_MISSING',
  'PERMISSION',
  'DAMAGED',
  'UNSUPPORTED',
  'HELD',
] as const satisfies readonly IoErrorCode[];

const errorOf = (code: IoErrorCode): IoError =>
  new IoError(code, { op: 'work', target: 'main/data', message: `The file system says ${code}.` });

function withData(): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  return lab;
}

function ready(): TestLab {
  const lab = withData();
  lab.provision();
  lab.snapshotTaken('data', 'old');
  endOperations(lab);
  return lab;
}

function adopted(): TestLab {
  const lab = TestLab.ready();
  lab.must('adopt-volume', { name: 'data', node: 'atlas', pool: 'main', native: '/pool/theirs', spec });
  const volume = lab.lab.get(lab.volume('data'));
  if (volume?.state === 'unplaced')
    lab.must('place-volume', { volume: volume.stream, node: 'node:atlas', pool: 'main' }, 'policy:placement');
  return lab;
}

/** Whoever waits for something hears what became of it. */
function endOperations(lab: TestLab): void {
  for (const { stream } of lab.lab.list('operation'))
    for (const { name, input } of operationsPolicy.propose(stream, lab.lab, { get: () => undefined }, lab.now))
      lab.must(name, input as never, 'policy:operations');
}

/** How a volume comes into each state that has work to do, or that waits for work on something of it. */
const states: Readonly<Record<string, () => TestLab>> = {
  creating: withData,
  cloning: () => {
    const lab = ready();
    lab.must('clone-volume', { name: 'data', as: 'copy', snapshot: 'old' });
    return lab;
  },
  adopting: adopted,
  changing: () => after(ready(), (lab) => lab.must('change-volume', { name: 'data', sizeBytes: 2 ** 31 })),
  copying: () => after(ready(), (lab) => lab.must('move-volume', { name: 'data', compression: 'zstd' })),
  moving: () => after(states['copying']?.() ?? ready(), succeed),
  'rolling-back': () => after(ready(), (lab) => lab.must('rollback-volume', { name: 'data', snapshot: 'old' })),
  'rolling-back after it was canceled': () =>
    after(states['rolling-back']?.() ?? ready(), (lab) => {
      fail(lab, errorOf('TIMED_OUT'));
      lab.must('cancel-rollback', { name: 'data' });
    }),
  importing: () => after(ready(), (lab) => lab.must('import-volume', { name: 'data', replace: true })),
  restoring: () =>
    after(ready(), (lab) => lab.must('restore-files', { name: 'data', snapshot: 'old', paths: ['page'] })),
  'taking a snapshot': () => after(ready(), (lab) => lab.must('take-snapshot', { name: 'data', as: 'new' })),
  'removing a snapshot': () => after(ready(), (lab) => lab.must('remove-snapshot', { name: 'data', snapshot: 'old' })),
  deleting: () => after(ready(), (lab) => lab.must('delete-volume', { name: 'data', purge: true })),
  releasing: () =>
    after(adopted(), (lab) => {
      succeed(lab);
      lab.must('release-volume', { name: 'data' });
    }),
};

function after(lab: TestLab, act: (lab: TestLab) => unknown): TestLab {
  act(lab);
  return lab;
}

/** What is being done to volumes, snapshots and files. */
const orders = (lab: TestLab): readonly WorkOrder[] =>
  (['volume', 'snapshot', 'transfer'] as const)
    .flatMap((kind) => lab.lab.list(kind) as readonly ActorState[])
    .flatMap((actor) => workOf(actor, lab.lab) ?? []);

/** What the agent would say of it. @returns whether it says anything: if not, it tries on */
function fail(lab: TestLab, error: IoError): boolean {
  const [order] = orders(lab);
  if (!order) throw new Error('there is no work');
  const command =
    (ioErrorCodes[error.code] === 'always' ? undefined : failureOf(order, error)) ?? delayOf(order, error);
  if (command) lab.must(command.name, command.input as never, order.node as Principal);
  return command !== undefined;
}

/** The file system does what it is asked. */
function succeed(lab: TestLab): void {
  const [order] = orders(lab);
  if (!order) throw new Error('there is no work');
  const { visit, subject, node } = order;
  const volume = { volume: subject as StreamId<'volume'>, visit };
  const snapshot = { snapshot: subject as StreamId<'snapshot'>, visit };
  const by = node as Principal;
  switch (order.work) {
    case 'create-dataset':
    case 'clone-dataset':
    case 'adopt-dataset': {
      const { dataset } = order.input;
      return void lab.must('report-volume-provisioned', { ...volume, dataset, path: `/pool/${dataset}` }, by);
    }
    case 'rollback-dataset': {
      const stash = { name: order.input.stash, guid: `guid-${order.input.stash}`, takenAt: lab.now };
      return void lab.must('report-volume-rolled-back', { ...volume, stash }, by);
    }
    case 'copy-dataset':
      return void lab.must('report-volume-copied', volume, by);
    case 'move-dataset':
      return void lab.must('report-volume-moved', { ...volume, path: '/pool/moved' }, by);
    case 'destroy-dataset':
      return void lab.must('report-volume-deleted', volume, by);
    case 'release-dataset':
      return void lab.must('report-volume-released', volume, by);
    case 'take-snapshot':
      return void lab.must('report-snapshot-taken', { ...snapshot, guid: subject, takenAt: lab.now }, by);
    case 'remove-snapshot':
      return void lab.must('report-snapshot-removed', snapshot, by);
    case 'import-files':
    case 'restore-files': {
      const transfer = { transfer: subject as StreamId<'transfer'>, visit };
      return void lab.must('report-transfer-finished', { ...transfer, files: 1, bytes: 1 }, by);
    }
    default:
      throw new Error(`nobody does ${order.work} here`);
  }
}

/** Alerts of what is in the lab, and why each operation that has ended by itself did not do well. */
function told(lab: TestLab): readonly { readonly message: string; readonly hint: string | null }[] {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  const alerts = folded.rows('alerts').map(([, row]) => row);
  const operations = folded.rows('operations').flatMap(([, row]) => row.problem ?? []);
  return [...alerts, ...operations.map(({ message, hint = null }) => ({ message, hint }))];
}

/** The first command of FloatLab that a sentence names, which the command line has to know. */
function named(hint: string | null): string | undefined {
  const [, group, command = ''] = /floatlab (\w+) ([\w-]+)/.exec(hint ?? '') ?? [];
  if (group === undefined) return undefined;
  const known = programAlone().commands.find((one) => one.name() === group)?.commands;
  if (!known?.some((one) => one.name() === command || one.aliases().includes(command)))
    throw new Error(`there is no command ${group} ${command}`);
  return `${group} ${command}`;
}

const commandsOf: Readonly<Record<string, (lab: TestLab, name: string) => unknown>> = {
  'volume retry': (lab, name) => lab.must('retry-volume', { name }),
  'volume repair': (lab, name) => lab.must('retry-volume', { name }),
  'volume rm-snapshot': (lab, name) => lab.must('remove-snapshot', { name, snapshot: 'old' }),
};

const trouble = (lab: TestLab): readonly ActorState<'volume'>[] =>
  lab.lab
    .list('volume')
    .filter(({ state, context }) => ['failed', 'missing'].includes(state) || context.drift !== null);
const resting: readonly string[] = ['ready', 'discarded'];

/** Does what is said until nothing is left to do. */
function follow(lab: TestLab): void {
  for (let n = 0; n < 20; n++) {
    if (orders(lab).length > 0) {
      succeed(lab);
      continue;
    }
    const [volume] = trouble(lab);
    if (!volume) return;
    const { name } = volume.context.metadata;
    const alert = told(lab).find(({ message }) => message.includes(name));
    const command = named(alert?.hint ?? null);
    const act = command === undefined ? undefined : commandsOf[command];
    if (!act) throw new Error(`${volume.state} volume ${name} names ${command}: ${alert?.message} ${alert?.hint}`);
    act(lab, name);
  }
  throw new Error('it never comes to rest');
}

describe.each(Object.keys(states))('a volume that is %s', (state) => {
  test.each(codes)(
    'says what is wrong when its file system says %s, and the command that it names leads on',
    (code) => {
      const lab = states[state]?.() ?? ready();
      const asked = () => orders(lab).map(({ subject, visit }) => `${subject} ${visit}`);
      const before = asked();
      const isTold = fail(lab, errorOf(code));
      endOperations(lab);
      if (isTold) {
        const messages = told(lab).map(({ message }) => message);
        expect(messages.join()).toContain(`The file system says ${code}.`);
        for (const { context } of trouble(lab)) {
          const alert = told(lab).find(({ message }) => message.includes(context.metadata.name));
          expect(alert?.message).toContain(`The file system says ${code}.`);
          expect(named(alert?.hint ?? null)).toMatch(/^volume (retry|repair)$/);
        }
      } else {
        expect(asked()).toEqual(before);
      }
      follow(lab);
      expect(lab.lab.list('volume').filter((volume) => !resting.includes(volume.state))).toEqual([]);
      expect(lab.lab.list('volume').filter(({ context }) => context.problem !== null)).toEqual([]);
    },
  );
});

test('from whatever has gone wrong, again and again, the commands that are named lead to rest', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(states)),
      fc.array(fc.option(fc.constantFrom(...codes)), { maxLength: 8 }),
      (state, days) => {
        const lab = states[state]?.() ?? ready();
        for (const code of days) {
          if (orders(lab).length === 0) {
            const [volume] = trouble(lab);
            if (!volume) break;
            lab.must('retry-volume', { name: volume.context.metadata.name });
          } else if (code === null) succeed(lab);
          else fail(lab, errorOf(code));
        }
        follow(lab);
        expect(lab.lab.list('volume').every((volume) => resting.includes(volume.state))).toBe(true);
        expect(orders(lab)).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
