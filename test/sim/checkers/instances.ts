/** Never two live containers of one service of one app, on whatever machine; and none that the engine restarts. */
import { label } from '#io/agent/containers/labels.ts';
import type { World } from '#io/world/world.ts';

export function checkInstances(world: World): string[] {
  const seen = new Map<string, string>();
  const wrong: string[] = [];
  for (const { name, docker } of world.machines) {
    for (const { id, labels, restartPolicy } of docker.running()) {
      const service = `${labels[label.app]}/${labels[label.service]}`;
      const other = seen.get(service);
      if (other) wrong.push(`${service} runs twice: ${other} and ${name}:${id.slice(0, 8)}`);
      seen.set(service, `${name}:${id.slice(0, 8)}`);
      if (restartPolicy !== 'no') wrong.push(`${service} would be restarted by the engine itself (${restartPolicy})`);
    }
  }
  return wrong;
}
