/** An app with data of a machine, which is tied to its node, and to another one by a person's word; and nodes with shares. */
import { createHash } from 'node:crypto';
import type { NodeFacts } from '#events/node.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const films = `name: films
services:
  web: { image: jellyfin, volumes: ["/mnt/media:/media", "/srv/art:/art:ro"] }
x-floatlab: { placement: { shares: [/srv/art] } }
`;
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export function hostMounts(lab: TestLab): void {
  const before = new Set(lab.lab.list('operation').map(({ stream }) => stream));
  lab.join('elara');
  const known = lab.lab.get('node:elara')?.context.facts;
  if (!known) throw new Error('the lab has no node');
  const shares = [{ path: '/srv/art', source: 'nas:/art', type: 'nfs4' }];
  const supports = { protocol: { min: 1, max: 1 }, fold: { min: 1, max: 2 } };
  const facts: NodeFacts = { ...known, shares, supports };
  const addresses = ['10.0.0.9'];
  lab.must('report-node', { node: 'node:elara', addresses, facts }, 'node:elara');
  const metis = { node: 'node:metis', name: 'metis', addresses, port: 7401, facts } as const;
  lab.must('join-node', { ...metis, keySha256: sha('metis'), incarnation: 'metis-disk-1' }, 'node:metis');

  lab.must('deploy-app', { compose: films });
  const app = lab.app('films');
  lab.must('assign-instance', { app, node: 'node:elara' }, 'policy:placement');
  const instance = lab.instance('films');
  lab.started('films');
  lab.must('stop-app', { name: 'films' });
  lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:elara');
  lab.must('tie-app', { name: 'films', node: 'metis' });
  lab.must('deploy-app', { compose: films.replace('jellyfin', 'jellyfin:10'), start: false });
  lab.must('remove-app', { name: 'films' });

  const newcomer = (name: string, disk: number) => ({
    ...{ name, addresses, port: 7401, facts, clock: lab.now, protocol: { min: 1, max: 1 } },
    ...{ incarnation: `${name}-disk-${disk}`, keySha256: sha(`${name} ${disk}`) },
  });
  lab.must('admit-node', { node: 'node:carme', ...newcomer('carme', 1), token: null }, 'system:join');
  lab.must('refuse-node', { name: 'carme' });
  lab.must('report-node-down', { node: 'node:metis', lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('issue-token', { tokenId: 'metis', hash: sha('token of metis'), replaces: 'metis' });
  const token = { id: 'metis', hash: sha('token of metis') };
  lab.must('replace-incarnation', { ...newcomer('metis', 2), token }, 'system:join');

  for (const name of ['elara', 'metis']) {
    lab.must('report-node-stopped', { node: `node:${name}` }, `node:${name}`);
    lab.must('remove-node', { name });
    lab.run('finish-departure', { node: `node:${name}` }, 'policy:group');
  }
  for (const { stream, state } of lab.lab.list('operation'))
    if (state === 'running' && !before.has(stream))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
