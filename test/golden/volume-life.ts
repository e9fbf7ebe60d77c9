/** Volumes that are adopted and released, moved, rolled back past newer snapshots, and changed by hand. */
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:juno';
const sizeBytes = 2 ** 30;
const problem = { code: 'QUOTA', message: 'Its quota is 2 GiB, and should be 1 GiB.', hint: 'Repair it.' };

export function volumeLife(lab: TestLab): void {
  lab.join('juno', 0, [
    { name: 'fast', driver: 'btrfs', sizeBytes: 2 ** 37 },
    { name: 'tank', driver: 'zfs', sizeBytes: 2 ** 40 },
  ]);
  lab.must('label-node', { name: 'juno', labels: { zone: 'attic' } });
  lab.must('limit-pool', { name: 'juno', pool: 'tank', fillPercent: 70, reserveBytes: 2 ** 36 });
  const constraints = { labels: { zone: 'attic' }, pool: 'fast' };
  lab.must('create-volume', { name: 'films', spec: { sizeBytes, growToBytes: 2 * sizeBytes, constraints } });
  const films = lab.volume('films');
  const report = () => ({ volume: films, visit: lab.visit(films) });
  const provisioned = () =>
    lab.must('report-volume-provisioned', { ...report(), dataset: 'films', path: '/pool/films' }, node);
  lab.must('place-volume', { volume: films, node, pool: 'fast' }, 'policy:placement');
  provisioned();
  lab.must('change-volume', { name: 'films', sizeBytes: 2 * sizeBytes });
  provisioned();

  for (const name of ['one', 'two']) {
    lab.now += 60_000;
    taken(lab, name);
  }
  lab.must('rollback-volume', { name: 'films', snapshot: 'one', pastNewer: true });
  const stash = lab.lab.get(films)?.context.rollback?.stash ?? '';
  const kept = { name: stash, guid: 'guid-stash', takenAt: lab.now };
  lab.must('report-volume-rolled-back', { ...report(), stash: kept }, node);
  taken(lab, 'later');

  lab.must('move-volume', { name: 'films', compression: 'zstd' });
  lab.must('report-volume-move-failed', { ...report(), problem }, node);
  const unfinished = lab.volume('films-unfinished');
  lab.must('report-volume-deleted', { volume: unfinished, visit: lab.visit(unfinished) }, node);
  lab.must('move-volume', { name: 'films', pool: 'tank', recordSizeBytes: 2 ** 20 });
  lab.must('report-volume-copied', report(), node);
  lab.must('report-volume-moved', { ...report(), path: '/tank/films' }, node);

  lab.must('report-volume-look', { ...report(), problem, isGone: false }, node);
  lab.must('report-volume-look', { ...report(), problem: { ...problem, code: 'MISSING' }, isGone: true }, node);
  lab.must('report-volume-look', { ...report(), problem: null, isGone: false }, node);

  const adopted = { name: 'old', node: 'juno', pool: 'tank', native: 'tank/old', spec: { sizeBytes } };
  lab.must('adopt-volume', adopted);
  const old = lab.volume('old');
  const of = () => ({ volume: old, visit: lab.visit(old) });
  lab.must('report-volume-provisioned', { ...of(), dataset: 'old', path: '/tank/old' }, node);
  lab.must('release-volume', { name: 'old' });
  lab.must('report-volume-released', of(), node);

  for (const name of ['films', 'films-moved']) {
    lab.must('delete-volume', { name, purge: true });
    const volume = lab.volume(name);
    lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  }
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'juno' });
}

function taken(lab: TestLab, name: string): void {
  lab.must('take-snapshot', { name: 'films', as: name });
  const snapshot = lab.snapshot('films', name);
  const fact = { snapshot, visit: lab.visit(snapshot), guid: `guid-${name}`, takenAt: lab.now };
  lab.must('report-snapshots-taken', { node, snapshots: [fact] }, node);
}
