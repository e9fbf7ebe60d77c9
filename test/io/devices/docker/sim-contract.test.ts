import { simDocker } from '#io/devices/docker/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { dockerContract } from '#test/contracts/docker.ts';
import { restlessClock } from './restless-clock.ts';

dockerContract('the simulated engine', () => {
  const clock = restlessClock();
  let port = 20_000;
  const sim = simDocker({
    clock,
    random: seededRandom(7),
    images: ['lab/tools:1'],
    pullable: (reference) => reference === 'lab/more:1',
  });
  return Promise.resolve({
    port: sim.port,
    clock,
    image: 'lab/tools:1',
    pullable: 'lab/more:1',
    unknown: 'lab/nothing:1',
    async *tar() {
      yield await Promise.resolve(new Uint8Array(512));
    },
    freePort: () => Promise.resolve(port++),
    dispose: () => Promise.resolve(),
  });
});
