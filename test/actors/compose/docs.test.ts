/** docs/compose.md says what the reader reads, key by key, and what it refuses. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { declaredFileKeys, takenFileKeys } from '#actors/compose/declared-files.ts';
import { dependencyKeys } from '#actors/compose/depends-on.ts';
import { envFileKeys } from '#actors/compose/environment.ts';
import { healthcheckKeys } from '#actors/compose/healthcheck.ts';
import { bindKeys } from '#actors/compose/host-binds.ts';
import { mountKeys, mountTmpfsKeys, mountVolumeKeys } from '#actors/compose/mounts.ts';
import { ipamKeys, networkKeys, subnetKeys } from '#actors/compose/networks/declared.ts';
import { takenNetworkKeys } from '#actors/compose/networks/taken.ts';
import { portKeys } from '#actors/compose/ports.ts';
import { backupKeys } from '#actors/compose/backing-up.ts';
import { extendsKeys } from '#actors/compose/project/extends.ts';
import { includeKeys } from '#actors/compose/project/include.ts';
import { placementKeys } from '#actors/compose/placement.ts';
import { readCompose } from '#actors/compose/read.ts';
import {
  deployKeys,
  limitKeys,
  reservationKeys,
  resourcesKeys,
  restartPolicyKeys,
} from '#actors/compose/container/deploy.ts';
import { containerKeys } from '#actors/compose/container/settings.ts';
import { serviceKeys } from '#actors/compose/service.ts';
import { topKeys } from '#actors/compose/top-keys.ts';
import { volumeKeys } from '#actors/compose/volumes.ts';
import { hookKeys, hooksKeys, onChangeKeys, snapshotKeys } from '#actors/compose/snapshotting.ts';
import { appExtensionKeys, volumeExtensionKeys } from '#actors/compose/x-floatlab.ts';

const text = readFileSync(new URL('../../../docs/compose.md', import.meta.url), 'utf8');

/** What stands below a heading, up to the next one. */
const section = (heading: string): string => {
  const [, ...sections] = text.split(/^#+ /m);
  const found = sections.find((one) => one.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`docs/compose.md has no ${heading}`);
  return found;
};
const tables = (heading: string): readonly (readonly string[])[] =>
  section(heading)
    .split('| key')
    .slice(1)
    .map((table) => [...table.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, key]) => key ?? ''));
const refused = (heading: string): readonly string[] => {
  const line = /^Refused: .*$/m.exec(section(heading))?.[0] ?? '';
  return [...line.matchAll(/`([^`]+)`/g)].map(([, key]) => key ?? '');
};
const isOfContainer = (key: string): boolean => (containerKeys as readonly string[]).includes(key);
const sorted = (keys: Iterable<string>): readonly string[] => [...keys].toSorted();

test.each<readonly [string, { readonly read: readonly string[]; readonly unread?: object }]>([
  ['A compose file', topKeys],
  ['Services', { ...serviceKeys, read: serviceKeys.read.filter((key) => !isOfContainer(key)) }],
  ['How a container is run', { read: containerKeys }],
  ['Ports', portKeys],
  ['Health checks', healthcheckKeys],
  ['Dependencies', dependencyKeys],
  ['Env files', envFileKeys],
  ['Volumes', volumeKeys],
  ['Several files', includeKeys],
])('"%s" names every key that is read, and every one that is refused', (heading, { read, unread = {} }) => {
  expect(sorted(tables(heading)[0] ?? [])).toEqual(sorted(read));
  expect(sorted(refused(heading))).toEqual(sorted(Object.keys(unread)));
});

test('"Configs and secrets" names every key', () => {
  const keys = [
    ...declaredFileKeys.configs.read,
    ...takenFileKeys.read.filter((key) => key !== 'source' && key !== 'target'),
  ];
  for (const key of keys) expect(section('Configs and secrets')).toContain(`\`${key}`);
  const { unread } = declaredFileKeys.configs;
  expect(sorted(refused('Configs and secrets'))).toEqual(sorted([...Object.keys(unread), 'external: true']));
});

test('"Deploy" names every key, and those of what is in it', () => {
  const inside = [resourcesKeys, limitKeys, reservationKeys, restartPolicyKeys].flatMap(
    ({ read }): readonly string[] => read,
  );
  for (const key of [...deployKeys.read, ...inside]) expect(section('Deploy')).toContain(`\`${key}\``);
  expect(sorted(refused('Deploy'))).toEqual(sorted(Object.keys(deployKeys.unread)));
});

test('"Networks" names every key of a network, and of how a service is in it', () => {
  const [declared = [], taken = []] = tables('Networks');
  expect(sorted(declared)).toEqual(sorted(networkKeys.read));
  expect(sorted(refused('Networks'))).toEqual(sorted(Object.keys(networkKeys.unread)));
  for (const key of [...ipamKeys.read, ...subnetKeys.read, ...Object.keys(ipamKeys.unread)])
    expect(section('Networks')).toContain(`\`${key}\``);
  expect(sorted(taken)).toEqual(sorted(takenNetworkKeys.read));
  for (const key of Object.keys(takenNetworkKeys.unread)) expect(section('Networks')).toContain(`\`${key}\``);
});

test('"Mounts" names every key of a mount and of its volume', () => {
  expect(sorted(tables('Mounts')[0] ?? [])).toEqual(sorted(mountKeys.read));
  expect(section('Mounts')).toContain(`\`${mountVolumeKeys.read.join(', ')}\``);
  for (const key of [...bindKeys.read, ...mountTmpfsKeys.read]) expect(section('Mounts')).toContain(`\`${key}\``);
  const ofVolume = ['volume', ...Object.keys(mountVolumeKeys.unread)];
  const unread = [...Object.keys(mountKeys.unread), ...ofVolume, 'bind', ...Object.keys(bindKeys.unread)];
  expect(sorted(refused('Mounts'))).toEqual(sorted(unread));
});

test('"x-floatlab" names every key at the top and on a volume', () => {
  const [top = [], volume = []] = tables('x-floatlab');
  expect(sorted(top)).toEqual(sorted(appExtensionKeys.read));
  expect(sorted(volume)).toEqual(sorted(volumeExtensionKeys.read));
  for (const { read } of [snapshotKeys, onChangeKeys, hooksKeys, hookKeys, backupKeys, placementKeys])
    for (const key of read) expect(section('x-floatlab')).toContain(`\`${key}\``);
});

test('"Several files" names the keys of extends', () => {
  for (const key of extendsKeys.read) expect(section('Several files')).toMatch(new RegExp(`extends: \\{.*${key}:`));
});

test('the example is valid, and has no notes', () => {
  const example = /```yaml\n(.*?)```/s.exec(text)?.[1] ?? '';
  const file = (content: string) => ({ content: Buffer.from(content).toString('base64'), mode: 0o644 });
  const files = { '.env': file('DB_PASSWORD=x'), 'photos.env': file('A=1'), 'photos.toml': file('') };
  const read = readCompose({ fileName: 'compose.yaml', text: example, files });
  expect('app' in read ? read.app.notes : read.findings).toEqual([]);
});
