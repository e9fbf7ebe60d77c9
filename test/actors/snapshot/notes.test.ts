import { describe, expect, test } from 'vitest';
import { TestLab } from '../test-lab.ts';

const at = { name: 'data', snapshot: 'monday' };

function withSnapshot(note?: string): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, keep: 'last:1' } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('take-snapshot', { name: 'data', as: 'monday', ...(note === undefined ? {} : { note }) });
  return lab;
}

const noteIn = (lab: TestLab) => lab.lab.get(lab.snapshot('data', 'monday'))?.context.note;

describe('the note of a snapshot', () => {
  test('is written, changed and taken away, also while the snapshot is being taken', () => {
    const lab = withSnapshot();
    expect(lab.types('note-snapshot', { ...at, note: ' before the upgrade ' })).toEqual(['snapshot.noted']);
    expect(noteIn(lab)).toBe('before the upgrade');
    lab.must('note-snapshot', { ...at, note: 'it went well' });
    expect(noteIn(lab)).toBe('it went well');
    expect(lab.types('note-snapshot', { ...at, note: null })).toEqual(['snapshot.noted']);
    expect(noteIn(lab)).toBeNull();
  });

  test('that is there already is no event, and blanks are none', () => {
    const lab = withSnapshot('kept');
    expect(lab.run('note-snapshot', { ...at, note: 'kept' }).events).toEqual([]);
    lab.must('note-snapshot', { ...at, note: '   ' });
    expect(noteIn(lab)).toBeNull();
    expect(lab.run('note-snapshot', { ...at, note: null }).events).toEqual([]);
  });

  test('of what is not there, or goes, is refused with what to do', () => {
    const lab = withSnapshot();
    const refused = (snapshot: string) => lab.run('note-snapshot', { name: 'data', snapshot, note: 'x' }).rejected;
    expect(refused('tuesday')).toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('volume snapshots') });
    const snapshot = lab.snapshot('data', 'monday');
    const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now };
    lab.must('report-snapshot-taken', taken, 'node:atlas');
    lab.must('remove-snapshot', at);
    expect(refused('monday')).toMatchObject({ code: 'NOT_NOW', hint: expect.stringContaining('volume snapshots') });
  });

  test('is no part of its work: what is being done goes on, and is reported for the same visit', () => {
    const lab = withSnapshot();
    const snapshot = lab.snapshot('data', 'monday');
    const visit = lab.visit(snapshot);
    lab.must('note-snapshot', { ...at, note: 'now' });
    lab.must('report-snapshot-taken', { snapshot, visit, guid: 'g', takenAt: lab.now }, 'node:atlas');
    expect(lab.lab.get(snapshot)?.state).toBe('available');
  });
});
