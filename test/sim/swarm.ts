/** What a seed does: which faults it has (each seed a random subset), and what people ask of the lab meanwhile. */
import type { SeededRandom } from '#io/devices/random/sim.ts';
import { nativeName } from './natives.ts';

export const faultKinds = [
  'kill-daemon',
  'cut-power',
  'engine-away',
  'end-container',
  'unhealthy',
  'engine-errors',
  'volume-errors',
  'pool-trouble',
  'pool-errors',
  'disk-away',
  'other-tool',
  'clock-jump',
  'disk-full',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** One thing that happens: after some quiet somebody asks, or something breaks. */
export type Action = { readonly quietMs: number } & (
  | { readonly ask: Ask; readonly again?: Again }
  /** `chance` decides what of the kind: which container, how long, how far. */
  | { readonly fault: FaultKind; readonly chance: number }
);

/** Somebody who is impatient asks the same once more, with the same command id. */
export interface Again {
  readonly afterMs: number;
  /** Whether the first answer is not waited for any longer. */
  readonly hangsUp: boolean;
}

/** The script of a seed: about two things in five seconds, half of them within a second after the one before. */
export function drawScript(random: SeededRandom, seconds: number): readonly Action[] {
  const faults = drawFaults(random);
  const script: Action[] = [];
  for (let ms = 0; ms < seconds * 1000;) {
    const quietMs = drawQuietMs(random);
    ms += quietMs;
    if (faults.length > 0 && random.chance(0.22))
      script.push({ quietMs, fault: random.pick(faults), chance: random.below(2 ** 31) });
    else script.push({ quietMs, ask: drawAsk(random), ...drawAgain(random) });
  }
  return script;
}

/** As long as a write to the disk, as a call to a device, or as a whole piece of work: whatever comes falls into it. */
function drawQuietMs(random: SeededRandom): number {
  const atMostMs = random.pick([4, 1000, 8000, 8000]);
  return random.below(atMostMs);
}

const drawAgain = (random: SeededRandom): { again: Again } | object =>
  random.chance(0.1) ? { again: { afterMs: random.below(10), hangsUp: random.chance(0.5) } } : {};

/** Half of the kinds, drawn anew for each seed: rare combinations come up more often than if all were always on. */
const drawFaults = (random: SeededRandom): readonly FaultKind[] => faultKinds.filter(() => random.chance(0.5));

const services = {
  plain: '  web: { image: "nginx", ports: ["PORT:80"] }\n',
  pair: '  db: { image: "postgres:16", volumes: ["data:/data"] }\n  web: { image: "nginx", depends_on: [db], restart: always }\n',
  job: '  init: { image: "busybox:job", restart: "no" }\n  web: { image: "nginx", volumes: ["data:/data"], restart: on-failure }\n',
  broken: '  web: { image: "registry/missing:1" }\n',
  half: '  db: { image: "postgres:16", volumes: ["data:/data"] }\n  web: { image: "registry/missing:1" }\n',
} as const;

const appNames = ['photos', 'wiki', 'mail'] as const;

/** A compose file, one of a few shapes; `salt` makes another revision of it. */
export function composeOf(shape: keyof typeof services, name: string, salt: number): string {
  const port = 8000 + appNames.indexOf(name as (typeof appNames)[number]);
  const text = services[shape].replace('PORT', String(port));
  const volumes = text.includes('data:') ? 'volumes: { data: {} }\n' : '';
  const hooks = text.includes('data:') ? `, hooks: ${hooksOf(/^ {2}(\w+):/.exec(text)?.[1] ?? '', salt)}` : '';
  const floatlab = `x-floatlab: { size: "64MiB", snapshot: { schedule: "*/5 * * * *" }, keep: "1h:all last:3"${hooks} }\n`;
  return `name: ${name}\nservices:\n${text}${volumes}${floatlab}# ${salt}\n`;
}

/** Commands that do well, fail, or hang, around the snapshots of an app. */
const hooksOf = (service: string, salt: number): string =>
  `{ before: { service: ${service}, command: [${['"true"', '"false"', 'sleep, "9"'][salt % 3]}], timeout: 4s }, ` +
  `after: { service: ${service}, command: [echo, on] }, on-failure: ${salt % 2 === 0 ? 'skip' : 'take-anyway'} }`;

/** How those who bring or fetch bytes behave: as they should, or not. */
export type Carry = 'whole' | 'slow' | 'half' | 'leaves' | 'nobody';

const carries: readonly Carry[] = ['whole', 'whole', 'whole', 'slow', 'half', 'leaves', 'nobody'];

const onChange = { settleMs: 2000, minIntervalMs: 30_000 };

export interface Ask {
  readonly name: string;
  readonly input: object;
  /** Of an import or an export. */
  readonly carry?: Carry;
}

/** Something that a person might ask. */
export function drawAsk(random: SeededRandom): Ask {
  // One app more often than the others: things are asked of what is there.
  const name = random.pick(['photos', ...appNames]);
  const volume = `${name}-data`;
  const anyVolume = random.pick([volume, volume, 'loose']);
  const byHand = `by-hand-${random.below(2)}`;
  return random.pick<() => Ask>([
    () => ({
      name: 'deploy-app',
      input: { compose: composeOf(random.pick(['plain', 'job', 'broken', 'half'] as const), name, random.below(3)) },
    }),
    () => ({ name: 'deploy-app', input: { compose: composeOf('pair', name, random.below(3)) } }),
    () => ({ name: 'start-app', input: { name } }),
    () => ({ name: 'stop-app', input: { name } }),
    () => ({ name: 'restart-app', input: { name } }),
    () => ({ name: 'remove-app', input: { name, withVolumes: random.chance(0.3) } }),
    () => ({ name: 'take-snapshot', input: { name: anyVolume, as: byHand } }),
    () => ({ name: 'take-snapshot', input: { name: volume, as: byHand } }),
    () => ({ name: 'take-app-snapshot', input: { name, as: byHand } }),
    () => ({
      name: 'change-volume',
      input: { name: anyVolume, snapshotOnChange: random.chance(0.8) ? onChange : null },
    }),
    () => ({ name: 'create-schedule', input: { name: 'sets', app: name, cron: '*/3 * * * *' } }),
    () => ({ name: 'rollback-volume', input: { name: anyVolume, snapshot: byHand } }),
    () => ({ name: 'rollback-volume', input: { name: volume, snapshot: byHand, pastNewer: true } }),
    () => ({
      name: 'move-volume',
      input: { name: anyVolume, compression: random.pick(['off', 'zstd', 'gzip']), keepForMs: 60_000 },
    }),
    () => ({ name: 'remove-snapshot', input: { name: anyVolume, snapshot: byHand } }),
    () => ({ name: 'change-volume', input: { name: anyVolume, sizeBytes: 2 ** 26 * (1 + random.below(3)) } }),
    () => ({ name: 'change-volume', input: { name: anyVolume, mode: random.pick([0o700, 0o755]) } }),
    () => ({
      name: 'delete-volume',
      input: { name: anyVolume, ...random.pick([{ keepForMs: 60_000 }, { purge: true }, { scrub: true }]) },
    }),
    () => ({ name: 'recover-volume', input: { name: `${anyVolume}-deleted` } }),
    () => ({ name: 'clone-volume', input: { name: volume, as: 'loose' } }),
    () => ({ name: 'clone-volume', input: { name: volume, as: 'loose', snapshot: byHand } }),
    () => ({ name: 'retry-volume', input: { name: anyVolume } }),
    () => ({ name: 'create-volume', input: { name: 'loose', spec: { sizeBytes: 2 ** 26 } } }),
    () => ({ name: 'create-schedule', input: { name: 'often', volume: anyVolume, cron: '*/2 * * * *' } }),
    () => ({
      name: random.pick(['suspend-schedule', 'resume-schedule', 'remove-schedule']),
      input: { name: random.pick(['often', 'sets', `${volume}-snapshot`]) },
    }),
    ...filesOf(random, anyVolume, byHand),
    ...poolsOf(random),
    () => ({ name: 'cordon-node', input: { name: 'atlas' } }),
    () => ({ name: 'uncordon-node', input: { name: 'atlas' } }),
  ])();
}

/** What is asked about the files in a volume, and of what becomes a volume in its place. */
function filesOf(random: SeededRandom, volume: string, snapshot: string): readonly (() => Ask)[] {
  const carry = random.pick(carries);
  const restore = (): Ask => ({
    name: 'restore-files',
    input: {
      ...{ name: volume, snapshot, paths: [random.pick(['db', 'web', 'init', 'kept', 'letter'])] },
      ...{ overwrite: random.chance(0.5), ...(random.chance(0.2) ? { to: 'found' } : {}) },
    },
  });
  return [
    restore,
    restore,
    () => ({
      name: 'export-volume',
      input: { name: volume, ...(random.chance(0.5) ? { snapshot } : {}) },
      carry,
    }),
    () => ({ name: 'import-volume', input: { name: volume, replace: random.chance(0.8) }, carry }),
    () => ({ name: 'import-volume', input: { name: 'loose', replace: random.chance(0.8) }, carry }),
    () => {
      const [node, driver] = random.pick(machines);
      return {
        name: 'adopt-volume',
        input: {
          ...{ name: random.pick(['family', volume]), node, pool: 'main' },
          native: driver === 'zfs' ? `main/${nativeName}` : `/pools/${node}/${nativeName}`,
          spec: { sizeBytes: 2 ** 26 },
        },
      };
    },
    () => ({ name: 'release-volume', input: { name: random.pick(['family', 'family', volume]) } }),
    () => ({ name: 'take-snapshot', input: { name: 'family', as: snapshot } }),
    () => ({ name: 'rollback-volume', input: { name: 'family', snapshot, pastNewer: true } }),
  ];
}

/** Machines of a simulated lab, and the file system of their first pool: each seed has the first one, two or three. */
const machines = [
  ['atlas', 'btrfs'],
  ['vega', 'zfs'],
  ['polaris', 'dir'],
] as const;

const extra = 'tank';

/** What is asked of pools: of those that every machine has, and of one more. */
function poolsOf(random: SeededRandom): readonly (() => Ask)[] {
  const [node, driver] = random.pick([machines[0], ...machines]);
  const name = random.pick([extra, extra, 'main']);
  const disk = random.pick(['/dev/sdc', '/dev/sdd']);
  const target = { node, name };
  return [
    () => ({
      name: 'create-pool',
      input: {
        ...{ node, name: extra },
        ...random.pick([
          { devices: [disk] },
          { devices: ['/dev/sdc', '/dev/sdd'], layout: 'mirror' },
          { devices: ['/dev/sde'], erase: random.chance(0.5) },
          { sizeBytes: 2 ** 33 },
        ]),
        ...(random.chance(0.5) ? { driver: random.pick(['btrfs', 'zfs']) } : {}),
        erase: random.chance(0.5),
      },
    }),
    () => ({
      name: random.pick(['grow-pool', 'forget-pool']),
      input: random.chance(0.3) ? { node, name: extra } : target,
    }),
    () => ({ name: 'grow-pool', input: { ...target, sizeBytes: 2 ** random.pick([32, 34, 50]) } }),
    () => ({ name: 'add-pool-devices', input: { ...target, devices: [disk], erase: random.chance(0.5) } }),
    () => ({
      name: 'replace-pool-device',
      input: { ...target, device: random.pick(['/dev/sda', '/dev/sdc']), by: disk, erase: true },
    }),
    () => ({ name: 'clear-pool', input: target }),
    () => ({ name: 'scrub-pool', input: { ...target, action: random.pick(['start', 'start', 'pause', 'cancel']) } }),
    () => ({
      name: 'adopt-pool',
      input: random.pick([
        { node, name: extra, driver: 'btrfs', where: `/pools/${extra}` },
        { node, name: 'shelf', driver: driver === 'zfs' ? 'dir' : driver, where: '/srv/shelf' },
      ]),
    }),
    () => ({
      name: 'create-volume',
      input: { name: 'loose', spec: { sizeBytes: 2 ** 26, constraints: { pool: extra } } },
    }),
    () => ({
      name: 'move-volume',
      input: {
        ...{ name: random.pick(['loose', 'photos-data']), pool: random.pick([extra, 'main']) },
        keepForMs: 60_000,
      },
    }),
  ];
}
