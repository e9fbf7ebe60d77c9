/** What the images of an app are: found out, asked for anew, and changed for the ones that their registries have by then. */
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:ananke';
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

export function images(lab: TestLab): void {
  lab.join('ananke');
  lab.must('deploy-app', {
    compose: 'name: feeds\nservices:\n  web: { image: "feeds:2" }\n  job: { image: "own:1" }\n',
  });
  const app = lab.app('feeds');
  lab.must('assign-instance', { app, node }, 'policy:placement');
  const instance = lab.instance('feeds');
  const report = { instance, visit: lab.visit(instance) };
  const web = { image: 'feeds:2', digest: hash('a'), ids: [hash('b')] };
  lab.must('report-images', { ...report, images: { web } }, node);
  lab.must('report-images', { ...report, images: { job: { image: 'own:1', ids: [hash('c')] } } }, node);
  lab.must('report-images', { ...report, images: { web: { ...web, ids: [hash('d')] } } }, node);
  lab.started('feeds');
  lab.must('choose-standby', { app, nodes: [node] }, 'policy:standby');
  lab.must('report-images-held', { app, node, revision: 1, images: { web: hash('b'), job: hash('c') } }, node);
  lab.must('request-image-check', { app }, 'policy:newer-images');
  lab.must('report-app-images', { app, images: {}, unanswered: ['web'] }, node);
  lab.must('check-app-images', { name: 'feeds' });
  lab.must('report-app-images', { app, images: { web: { image: 'feeds:2', digest: hash('e') } } }, node);
  lab.must('update-app', { name: 'feeds', services: ['job', 'web'] });
  lab.must('stop-instance', { instance, because: 'revision 2 takes its place' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, node);
  lab.must('remove-app', { name: 'feeds' });
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'ananke' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['feeds', 'ananke'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
