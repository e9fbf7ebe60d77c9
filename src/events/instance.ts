/** An assignment of one revision of an app to one node. Its epoch is the index of `instance.assigned`. */
import * as z from 'zod';
import { asItWas, event } from './define.ts';
import { blobRef, metadata, problem } from './values/metadata.ts';
import { serviceName } from './values/name.ts';
import { appSpec } from './app.ts';
import { appRef, nodeRef, volumeKey, volumeRef } from './volume.ts';

export const serviceState = z.enum([
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'restarting',
  'completed',
  'exited',
]);
export type ServiceState = z.infer<typeof serviceState>;

export const serviceStatus = z.strictObject({
  state: serviceState,
  container: z.string().max(64).exactOptional(),
  /** How it ended, of a service that does not run. */
  exitCode: z.int().exactOptional(),
  /** How it ended before it was last started again. */
  lastExitCode: z.int().exactOptional(),
  restarts: z.int().min(0),
});
export type ServiceStatus = z.infer<typeof serviceStatus>;

export const instanceEvents = {
  /** What it runs is in the assignment itself: the app may have moved on to another revision before this one stops. */
  'instance.assigned': event(
    2,
    z.strictObject({
      metadata,
      app: appRef,
      revision: z.int().min(1),
      node: nodeRef,
      spec: appSpec,
      bundle: blobRef,
      volumes: z.record(volumeKey, volumeRef),
    }),
    { 1: asItWas },
  ),
  'instance.started': event(2, z.strictObject({ services: z.record(serviceName, serviceStatus) }), { 1: asItWas }),
  'instance.service-changed': event(2, z.strictObject({ service: serviceName, status: serviceStatus }), { 1: asItWas }),
  /** What a person should know although it stops nothing: a service that was not required, a network that stays. */
  'instance.warned': event(1, z.strictObject({ problem, service: serviceName.exactOptional() })),
  'instance.failed': event(1, z.strictObject({ problem, service: serviceName.exactOptional() })),
  /** Nothing of a failed instance runs any more; its containers are kept, with their logs. */
  'instance.halted': event(1, z.strictObject({})),
  'instance.stop-requested': event(1, z.strictObject({ because: z.string().max(500) })),
  'instance.stopped': event(1, z.strictObject({})),
};
