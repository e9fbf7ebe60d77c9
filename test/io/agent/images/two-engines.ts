/** Two nodes with an engine each, linked, and one registry that both can reach. */
import type { LabView } from '#actors/actor.ts';
import { ensureImage, type EnsuredImage } from '#io/agent/images/ensure.ts';
import type { ImageSource, WantedImage } from '#io/agent/images/source.ts';
import type { Progress } from '#io/devices/call.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { simDocker, type SimDocker } from '#io/devices/docker/sim.ts';
import { SimRegistry } from '#io/devices/docker/sim/registry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { remoteImages } from '#io/lab/remote-images.ts';
import { restlessClock } from '#test/io/devices/docker/restless-clock.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

/** What the apps of the lab name. */
const named = ['nginx:1', 'own:1', 'floatlab/default-shop-web:1-abc'];

export interface TestNode {
  readonly docker: DockerPort;
  readonly sim: SimDocker;
  readonly images: ImageSource;
  readonly others: MemoryOthers;
  readonly told: string[];
  ensure(wanted: WantedImage): Promise<EnsuredImage>;
}

export class TwoEngines {
  readonly registry = new SimRegistry((reference) => reference.startsWith('nginx'));
  readonly clock = restlessClock();
  readonly architectures: Record<string, string> = { 'node:atlas': 'x64', 'node:vega': 'x64' };
  readonly #network = new Map<string, MemoryOthers>();
  readonly cuts = new Set<string>();
  readonly atlas = this.#node('atlas', 1);
  readonly vega = this.#node('vega', 2);

  #node(name: string, seed: number): TestNode {
    const { clock, registry } = this;
    const sim = simDocker({ clock, random: seededRandom(seed), registry });
    const docker = sim.port;
    const others = new MemoryOthers(name, this.#network, (from, to) => this.cuts.has(`${from}>${to}`));
    const images = remoteImages({ docker, lab: this.#lab, others, clock });
    const told: string[] = [];
    return {
      ...{ docker, sim, images, others, told },
      ensure: (wanted) =>
        ensureImage(
          wanted,
          { docker, images, logins: () => Promise.resolve(undefined) },
          { ...call(), progress: ({ text }: Progress) => void told.push(text) },
        ),
    };
  }

  get #lab(): LabView {
    const spec = { services: Object.fromEntries(named.map((image, n) => [`s${n}`, { image }])) };
    return {
      list: (kind: string) => (kind === 'app' ? [{ context: { spec } }] : []),
      get: (stream: string) => ({
        state: 'up',
        context: {
          metadata: { name: stream.slice('node:'.length) },
          facts: { architecture: this.architectures[stream] },
        },
      }),
    } as unknown as LabView;
  }
}

export const call = () => ({ signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} });

export async function importInto({ docker }: TestNode, reference: string): Promise<string> {
  await docker.importImage((async function* () {})(), reference, [], call());
  return (await docker.image(reference, call()))?.id ?? '';
}
