/** Takes everything out of an engine of our own that is about to go for good. */
import { dockerAt } from '../socket.ts';

/** Networks that every engine has. */
const builtIn = new Set(['bridge', 'host', 'none']);

/** Best effort: what cannot be removed now goes with the folder of the engine. */
export async function emptyEngine(socketPath: string): Promise<void> {
  const docker = dockerAt(socketPath);
  const abortSignal = AbortSignal.timeout(30_000);
  const containers = await docker.listContainers({ all: true, abortSignal }).catch(() => []);
  await Promise.allSettled(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true, abortSignal })),
  );
  const networks = await docker.listNetworks({ abortSignal }).catch(() => []);
  for (const { Id, Name } of networks)
    if (!builtIn.has(Name))
      await docker
        .getNetwork(Id)
        .remove({ abortSignal })
        .catch(() => {});
}
