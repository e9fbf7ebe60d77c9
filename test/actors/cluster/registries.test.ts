import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registryNamed } from '#events/values/registry-host.ts';
import { registryHost } from '#events/values/registry-host.ts';
import { Folded } from '#io/lab/folded.ts';
import { registryOf } from '#io/devices/docker/reference.ts';
import { TestLab } from '../test-lab.ts';

const ghcr = { registry: 'ghcr.io', username: 'ada', password: 'open sesame' };

describe('the login of a registry', () => {
  test('is kept once, replaced by another one, and forgotten', () => {
    const lab = TestLab.ready();
    expect(lab.types('open-registry', ghcr)).toEqual(['cluster.registry-opened']);
    expect(lab.types('open-registry', ghcr)).toEqual([]);
    expect(lab.types('open-registry', { ...ghcr, password: 'another' })).toEqual(['cluster.registry-opened']);
    expect(lab.types('close-registry', { registry: 'ghcr.io' })).toEqual(['cluster.registry-closed']);
    expect(lab.run('close-registry', { registry: 'ghcr.io' }).rejected).toMatchObject({ code: 'NOT_FOUND' });
    expect(lab.run('close-registry', { registry: 'ghcr.io' }).rejected?.hint).toContain('floatlab registry ls');
  });

  test('has its password in a blob, and in no event and no row', () => {
    const lab = TestLab.ready();
    lab.must('open-registry', ghcr);
    expect(lab.blobs.map((bytes) => Buffer.from(bytes).toString())).toEqual(['{"password":"open sesame"}']);
    const folded = new Folded();
    for (const event of lab.events) folded.fold(event);
    expect(folded.rows('registries')).toEqual([['ghcr.io', { id: 'ghcr.io', username: 'ada', since: lab.now }]]);
    const rows = (['registries', 'config'] as const).map((view) => folded.rows(view));
    expect(JSON.stringify([lab.entries, lab.events, rows])).not.toContain('sesame');
    lab.must('close-registry', { registry: 'ghcr.io' });
    folded.fold(lab.events.at(-1) as (typeof lab.events)[number]);
    expect(folded.rows('registries')).toEqual([]);
  });

  test.each([
    ['a host without a dot or a port', { registry: 'team' }],
    ['a path', { registry: 'ghcr.io/team' }],
    ['capitals', { registry: 'GHCR.io' }],
    ['a user with a colon', { username: 'a:b' }],
    ['an empty password', { password: '' }],
  ])('is refused with %s', (_, wrong) => {
    expect(TestLab.ready().run('open-registry', { ...ghcr, ...wrong }).rejected?.code).toBe('INVALID');
  });

  test('is bounded in number', () => {
    const lab = TestLab.ready();
    for (let n = 0; n < 100; n++) lab.must('open-registry', { ...ghcr, registry: `r${n}.lab` });
    expect(lab.run('open-registry', ghcr).rejected?.code).toBe('TOO_MANY');
    expect(lab.types('open-registry', { ...ghcr, registry: 'r7.lab', username: 'eve' })).toHaveLength(1);
  });
});

describe('the name of a registry', () => {
  test.each([
    ['https://GHCR.io/', 'ghcr.io'],
    ['index.docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['localhost:5000', 'localhost:5000'],
    ['localhost', 'localhost'],
    ['[2001:db8::1]:5000', '[2001:db8::1]:5000'],
  ])('%s is %s', (text, registry) => expect(registryNamed(text)).toBe(registry));

  test.each(['', 'team', 'ghcr.io/team', 'a b.c', '-x.io', 'x.io:0', 'x.io:port', 'user@ghcr.io'])(
    '%j is none',
    (text) => expect(registryNamed(text)).toBeUndefined(),
  );

  test('is what references to its images begin with', () => {
    expect(registryOf('nginx:1')).toBe('docker.io');
    expect(registryOf('team/app')).toBe('docker.io');
    fc.assert(
      fc.property(fc.domain(), fc.option(fc.integer({ min: 1, max: 65535 })), (domain, port) => {
        const host = `${domain.toLowerCase()}${port === null ? '' : `:${port}`}`;
        expect(registryHost.safeParse(host).success).toBe(true);
        expect(registryOf(`${host}/team/app:1`)).toBe(host);
      }),
    );
  });
});
