/** Refusals are sentences: a person reads them. */
import { describe, expect, test } from 'vitest';
import { TestLab } from './test-lab.ts';

const explain = (lab: TestLab, ...command: Parameters<TestLab['run']>): string | undefined =>
  lab.run(...command).rejected?.explain;

describe('a refusal', () => {
  test('counts one thing as one', () => {
    const lab = TestLab.ready();
    lab.must('create-namespace', { name: 'team' });
    lab.must('create-volume', { namespace: 'team', name: 'a', spec: { sizeBytes: 2 ** 26 } });
    expect(explain(lab, 'delete-namespace', { name: 'team' })).toBe(
      'Namespace team holds 1 object, for example volume a.',
    );
    lab.must('create-volume', { namespace: 'team', name: 'b', spec: { sizeBytes: 2 ** 26 } });
    expect(explain(lab, 'delete-namespace', { name: 'default' })).toBe(
      'Namespace default belongs to the lab and stays.',
    );
    expect(explain(lab, 'delete-namespace', { name: 'team' })).toContain('holds 2 objects');
  });

  test('says what a node still holds', () => {
    const lab = TestLab.ready();
    lab.running(
      'name: shop\nservices: { web: { image: nginx, volumes: ["a:/a", "b:/b"] } }\nvolumes: { a: {}, b: {} }\n',
    );
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    expect(explain(lab, 'remove-node', { name: 'atlas' })).toMatch(
      /^Node atlas still holds 2 volumes and 1 instance, for example volume shop-[ab]\.$/,
    );
  });

  test('names a namespace only where people have one', () => {
    const lab = TestLab.ready();
    expect(explain(lab, 'cordon-node', { name: 'x' })).toBe('There is no node x.');
    expect(explain(lab, 'delete-namespace', { name: 'x' })).toBe('There is no namespace x.');
    expect(explain(lab, 'stop-app', { name: 'x' })).toBe('There is no app x.');
    expect(explain(lab, 'stop-app', { namespace: 'team', name: 'x' })).toBe('There is no app x in namespace team.');
  });
});
