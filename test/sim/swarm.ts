/** What a seed does: which faults it has (each seed a random subset), and what people ask of the lab meanwhile. */
import type { SeededRandom } from '#io/devices/random/sim.ts';

export const faultKinds = [
  'kill-daemon',
  'cut-power',
  'engine-away',
  'end-container',
  'unhealthy',
  'engine-errors',
  'volume-errors',
  'clock-jump',
  'disk-full',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** One thing that happens: after so many quiet seconds somebody asks, or something breaks. */
export type Action = { readonly quietSeconds: number } & (
  | { readonly ask: Ask }
  /** `chance` decides what of the kind: which container, how long, how far. */
  | { readonly fault: FaultKind; readonly chance: number }
);

/** The script of a seed: about one thing in three seconds. */
export function drawScript(random: SeededRandom, seconds: number): readonly Action[] {
  const faults = drawFaults(random);
  const script: Action[] = [];
  for (let second = 0; second < seconds;) {
    const quietSeconds = random.below(6);
    second += quietSeconds + 1;
    if (faults.length > 0 && random.chance(0.22))
      script.push({ quietSeconds, fault: random.pick(faults), chance: random.below(2 ** 31) });
    else script.push({ quietSeconds, ask: drawAsk(random) });
  }
  return script;
}

/** Half of the kinds, drawn anew for each seed: rare combinations come up more often than if all were always on. */
const drawFaults = (random: SeededRandom): readonly FaultKind[] => faultKinds.filter(() => random.chance(0.5));

const services = {
  plain: '  web: { image: "nginx", ports: ["PORT:80"] }\n',
  pair: '  db: { image: "postgres:16", volumes: ["data:/data"] }\n  web: { image: "nginx", depends_on: [db], restart: always }\n',
  job: '  init: { image: "busybox:job", restart: "no" }\n  web: { image: "nginx", volumes: ["data:/data"], restart: on-failure }\n',
  broken: '  web: { image: "registry/missing:1" }\n',
} as const;

const appNames = ['photos', 'wiki', 'mail'] as const;

/** A compose file, one of a few shapes; `salt` makes another revision of it. */
function composeOf(shape: keyof typeof services, name: string, salt: number): string {
  const port = 8000 + appNames.indexOf(name as (typeof appNames)[number]);
  const text = services[shape].replace('PORT', String(port));
  const volumes = text.includes('data:') ? 'volumes: { data: {} }\n' : '';
  const floatlab = 'x-floatlab: { size: "64MiB", snapshot: { schedule: "*/5 * * * *" }, keep: "1h:all last:3" }\n';
  return `name: ${name}\nservices:\n${text}${volumes}${floatlab}# ${salt}\n`;
}

export interface Ask {
  readonly name: string;
  readonly input: object;
}

/** Something that a person might ask. */
export function drawAsk(random: SeededRandom): Ask {
  const name = random.pick(appNames);
  const volume = `${name}-data`;
  return random.pick<() => Ask>([
    () => ({
      name: 'deploy-app',
      input: { compose: composeOf(random.pick(['plain', 'pair', 'job', 'broken'] as const), name, random.below(3)) },
    }),
    () => ({ name: 'deploy-app', input: { compose: composeOf('pair', name, random.below(3)) } }),
    () => ({ name: 'start-app', input: { name } }),
    () => ({ name: 'stop-app', input: { name } }),
    () => ({ name: 'restart-app', input: { name } }),
    () => ({ name: 'remove-app', input: { name, withVolumes: random.chance(0.3) } }),
    () => ({ name: 'take-snapshot', input: { name: volume, as: `by-hand-${random.below(5)}` } }),
    () => ({ name: 'rollback-volume', input: { name: volume, snapshot: `by-hand-${random.below(5)}` } }),
    () => ({ name: 'remove-snapshot', input: { name: volume, snapshot: `by-hand-${random.below(5)}` } }),
    () => ({ name: 'delete-volume', input: { name: volume } }),
    () => ({ name: 'retry-volume', input: { name: volume } }),
    () => ({ name: 'create-volume', input: { name: 'loose', spec: { sizeBytes: 2 ** 26 } } }),
    () => ({
      name: 'create-schedule',
      input: { name: 'often', volume: random.pick([volume, 'loose']), cron: '*/2 * * * *' },
    }),
    () => ({ name: 'cordon-node', input: { name: 'atlas' } }),
    () => ({ name: 'uncordon-node', input: { name: 'atlas' } }),
  ])();
}
