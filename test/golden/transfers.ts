/** Files on their way, in the history that knows every event: one of each kind, well and not. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

export function transfers(lab: TestLab): void {
  const node = 'node:halley';
  lab.join('halley');
  lab.must('create-volume', { name: 'comet', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('comet'), node, pool: 'main' }, 'policy:placement');
  const volume = lab.volume('comet');
  const made = { volume, visit: lab.visit(volume), dataset: 'comet', path: '/pool/comet' };
  lab.must('report-volume-provisioned', made, node);
  lab.must('take-snapshot', { name: 'comet', as: 'tail' });
  const taken = (snapshot: StreamId<'snapshot'>): void =>
    void lab.must(
      'report-snapshot-taken',
      { snapshot, visit: lab.visit(snapshot), guid: `g-${snapshot}`.slice(0, 60), takenAt: lab.now },
      node,
    );
  taken(lab.snapshot('comet', 'tail'));
  const running = (): StreamId<'transfer'> => lab.lab.list('transfer').at(-1)?.stream ?? 'transfer:none';
  const finished = (more: object): void => {
    const transfer = running();
    lab.must('report-transfer-finished', { transfer, visit: lab.visit(transfer), bytes: 4096, ...more }, node);
  };

  lab.must('restore-files', { name: 'comet', snapshot: 'tail', paths: ['a/b', '%FF.log'], to: 'back' });
  const written = [
    { path: 'a/b', as: 'back/b' },
    { path: '%FF.log', as: 'back/%FF.log.restored-tail' },
  ];
  finished({ files: 2, skipped: 1, written });

  lab.must('export-volume', { name: 'comet' });
  const task = lab.lab.get(running())?.context.task;
  if (task?.do === 'export') taken(task.snapshot);
  lab.must('begin-transfer', { transfer: running() }, 'policy:transfers');
  finished({});

  const before = { guid: 'g-before', takenAt: lab.now };
  lab.must('import-volume', { name: 'comet', replace: true });
  finished({ files: 3, before });
  lab.must('import-volume', { name: 'comet' });
  const transfer = running();
  const problem = { code: 'INVALID', message: 'The archive has no end: it was cut short.', hint: 'Send it again.' };
  lab.must('report-transfer-failed', { transfer, visit: lab.visit(transfer), problem }, node);
  // One that is still on its way.
  lab.must('restore-files', { name: 'comet', snapshot: 'tail', paths: ['c'], overwrite: true });
}
