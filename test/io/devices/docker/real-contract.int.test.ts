import { randomBytes } from 'node:crypto';
import { pack } from 'tar-stream';
import { realClock } from '#io/devices/clock/real.ts';
import { dockerContract } from '#test/contracts/docker.ts';
import { missingDocker, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { freePort } from './free-port.ts';
import { startRegistry } from './registry.ts';

describeReal('Docker', missingDocker(), () => {
  dockerContract('a real engine', async () => {
    const { docker, image } = await sharedEngine();
    const registry = await startRegistry(randomBytes(4 * 2 ** 20));
    return {
      port: docker,
      clock: realClock,
      image,
      pullable: registry.image,
      unknown: `${registry.address}/other:1.0`,
      tar() {
        const tar = pack();
        tar.entry({ name: 'etc/made-by', mode: 0o644 }, 'a test');
        tar.finalize();
        return tar as AsyncIterable<Uint8Array>;
      },
      freePort,
      dispose: () => registry.close(),
    };
  });
});
