import { describe, expect, test } from 'vitest';
import { choose } from '#actors/placement/choose.ts';
import { placementPolicy } from '#actors/policies/placement.ts';
import { portHeldOn, portsOf } from '#actors/app/ports.ts';
import { TestLab } from '../test-lab.ts';

const app = (name: string, ...ports: readonly string[]): string =>
  `name: ${name}\nservices: { web: { image: nginx, ports: [${ports.map((port) => `"${port}"`).join(', ')}] } }\n`;

const taken = (lab: TestLab, compose: string): string | undefined =>
  lab.run('deploy-app', { compose }).rejected?.explain;

describe('a port that another app publishes', () => {
  const withWiki = (...ports: readonly string[]): TestLab => {
    const lab = TestLab.ready();
    lab.running(app('wiki', ...ports));
    return lab;
  };

  test('is refused before there is an app, with the name of the other', () => {
    const lab = withWiki('8080:80');
    expect(lab.run('deploy-app', { compose: app('photos', '8080:3000') })).toEqual({
      events: [],
      rejected: {
        code: 'PORT_IN_USE',
        explain: 'Port 8080/tcp is published by app wiki already.',
        hint: 'Choose another port of the node in the compose file, or stop wiki first.',
      },
    });
    expect(lab.lab.byName('app', 'default', 'photos')).toBeUndefined();
  });

  test.each([
    ['8080:80', '8080:80/udp', false],
    ['8080:80', '8081:80', false],
    ['8080:80', '127.0.0.1:8080:80', true],
    ['127.0.0.1:8080:80', '127.0.0.2:8080:80', false],
    ['127.0.0.1:8080:80', '0.0.0.0:8080:80', true],
    ['[::1]:8080:80', '127.0.0.1:8080:80', false],
    ['8000-8010:8000-8010', '8005:80', true],
    ['8005:80', '8000-8010:8000-8010', true],
    ['8000-8010:8000-8010', '8011:80', false],
  ])('%s and %s clash: %s', (theirs, ours, clashes) => {
    expect(taken(withWiki(theirs), app('photos', ours)) !== undefined).toBe(clashes);
  });

  test('of another namespace is named with it', () => {
    const lab = TestLab.ready();
    lab.must('create-namespace', { name: 'team' });
    lab.must('deploy-app', { namespace: 'team', compose: app('wiki', '8080:80') });
    expect(taken(lab, app('photos', '8080:80'))).toBe('Port 8080/tcp is published by app team/wiki already.');
  });

  test('is free again once the other is stopped; then the other is refused', () => {
    const lab = withWiki('8080:80');
    lab.must('stop-app', { name: 'wiki' });
    lab.must('deploy-app', { compose: app('photos', '8080:80') });
    const instance = lab.instance('wiki');
    lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    for (const command of ['start-app', 'restart-app'] as const)
      expect(lab.run(command, { name: 'wiki' }).rejected).toMatchObject({
        code: 'PORT_IN_USE',
        explain: 'Port 8080/tcp is published by app photos already.',
      });
  });

  test('does not matter to an app that is not to run yet', () => {
    const lab = withWiki('8080:80');
    lab.must('deploy-app', { compose: app('photos', '8080:80'), start: false });
    expect(lab.run('start-app', { name: 'photos' }).rejected?.code).toBe('PORT_IN_USE');
  });

  test('is refused to a revision of a running app, which goes on as it is', () => {
    const lab = withWiki('8080:80');
    lab.running(app('photos', '8081:80'));
    expect(taken(lab, app('photos', '8080:80'))).toBeDefined();
    expect(lab.types('deploy-app', { compose: app('photos', '8082:80') })).toContain('app.updated');
    expect(lab.types('deploy-app', { compose: app('wiki', '8080:81') })).toContain('app.updated');
  });

  test('is refused only when no node is left where it is free; placement takes such a node, and says why', () => {
    const lab = withWiki('8080:80');
    lab.join('vega');
    lab.must('deploy-app', { compose: app('photos', '8080:80') });
    const photos = lab.app('photos');
    const spec = lab.lab.get(photos)?.context.spec ?? { services: {}, volumes: {} };
    const { node, candidates } = choose(lab.lab, {
      needs: [],
      only: [],
      publishes: { app: photos, ports: portsOf(spec) },
    });
    expect(node).toBe('node:vega');
    expect(candidates.find(({ name }) => name === 'atlas')?.refused).toBe('publishes port 8080/tcp for app wiki');
  });

  test('is held by an instance that failed until nothing of it runs', () => {
    const lab = withWiki('8080:80');
    const instance = lab.instance('wiki');
    const problem = { code: 'EXITED', message: 'It ended.' };
    lab.must('report-instance-failed', { instance, visit: lab.visit(instance), problem }, 'node:atlas');
    lab.must('deploy-app', { compose: app('photos', '8080:80') });
    const wanted = { app: lab.app('photos'), ports: [{ published: 8080, target: 80, protocol: 'tcp' as const }] };
    expect(portHeldOn('node:atlas', wanted, lab.lab)).toMatchObject({ app: 'wiki', port: { published: 8080 } });
    lab.must('report-instance-halted', { instance, visit: lab.visit(instance) }, 'node:atlas');
    expect(portHeldOn('node:atlas', wanted, lab.lab)).toBeUndefined();
  });

  test('is waited for while the instance that holds it stops, and taken when it has', () => {
    const lab = withWiki('8080:80');
    lab.must('stop-app', { name: 'wiki' });
    lab.must('deploy-app', { compose: app('photos', '8080:80') });
    const photos = lab.app('photos');
    const propose = () => placementPolicy.propose(photos, lab.lab, { get: () => undefined }, lab.now);
    expect(propose()).toMatchObject([
      {
        name: 'delay-app',
        input: { problem: { message: 'No node fits: atlas publishes port 8080/tcp for app wiki.' } },
      },
    ]);
    const instance = lab.instance('wiki');
    lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
    expect(propose()).toMatchObject([{ name: 'delay-app' }]);
    const before = lab.lab.get(instance);
    const [event] = lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    if (!event || !before) throw new Error('nothing happened');
    const after = { ...before, state: 'stopped', final: true };
    expect(placementPolicy.wakes({ event, before, after }, lab.lab)).toContain(photos);
    expect(propose()).toMatchObject([{ name: 'assign-instance' }]);
  });
});
