/** The login of a registry is given, replaced and forgotten. */
import type { TestLab } from '#test/actors/test-lab.ts';

export function registries(lab: TestLab): void {
  const registry = 'registry.lab:5000';
  lab.must('open-registry', { registry, username: 'ada', password: 'first' });
  lab.must('open-registry', { registry, username: 'ada', password: 'second' });
  lab.must('close-registry', { registry });
}
