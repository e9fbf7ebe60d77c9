/**
 * An app: what a person described in a compose file, and how far the lab is with it.
 *
 * The specification in the events holds what decisions need and nothing secret. The compose file as it was
 * written, and the resolved services with their environment, are blobs; the events carry their addresses.
 */
import * as z from 'zod';
import { asItWas, event, type Upcast } from './define.ts';
import { volumeBackup } from './values/backing-up.ts';
import { imageId, imagePin, offeredImage } from './values/image.ts';
import { keep } from './values/keep.ts';
import { blobRef, metadata, problem } from './values/metadata.ts';
import { name, serviceName } from './values/name.ts';
import { containerPath, hostPath, relativePath } from './values/path.ts';
import { volumeReplicas } from './values/replication.ts';
import { volumeSize } from './values/size.ts';
import { snapshotHooks, snapshotOnChange } from './values/snapshotting.ts';
import { nodeRef, volumeConstraints, volumeKey, volumeRef } from './volume.ts';

const port = z.int().min(1).max(65_535);

export const publishedPort = z.strictObject({
  hostIp: z.union([z.ipv4(), z.ipv6()]).exactOptional(),
  published: port,
  target: port,
  protocol: z.enum(['tcp', 'udp']),
});
export type PublishedPort = z.infer<typeof publishedPort>;

export const volumeMount = z.strictObject({
  /** A volume of this app, as its compose file calls it. */
  volume: volumeKey,
  /** Folder or file inside the volume; `.` is the volume itself. */
  subpath: relativePath,
  target: containerPath,
  readOnly: z.boolean(),
});
export type VolumeMount = z.infer<typeof volumeMount>;

export const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;

/** A path of the node itself. What it means for where the app may run: `actors/placement/external.ts`. */
export const hostMount = z.strictObject({
  host: hostPath,
  target: containerPath,
  readOnly: z.boolean(),
  /** How mounts that come and go on either side are seen on the other; left out: not at all. */
  propagation: z.enum(propagations).exactOptional(),
  /** A folder is made where nothing is. */
  create: z.boolean().exactOptional(),
});
export type HostMount = z.infer<typeof hostMount>;
export type Propagation = NonNullable<HostMount['propagation']>;

export const mount = z.union([volumeMount, hostMount]);
export type Mount = z.infer<typeof mount>;

export const isHostMount = (one: Mount): one is HostMount => 'host' in one;
export const isVolumeMount = (one: Mount): one is VolumeMount => 'volume' in one;

const restartPolicy = z.strictObject({
  condition: z.enum(['no', 'on-failure', 'always', 'unless-stopped']),
  maxRetries: z.int().min(0).exactOptional(),
});

const dependency = z.strictObject({
  service: serviceName,
  condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']),
  required: z.boolean(),
});

export const serviceSpec = z.strictObject({
  image: z.string().min(1).max(512),
  ports: z.array(publishedPort).max(1000),
  mounts: z.array(mount).max(200),
  restart: restartPolicy,
  dependsOn: z.array(dependency).max(200),
  hasHealthcheck: z.boolean(),
  /** What its image is made for, `linux/arm64`: only nodes of that architecture run it. */
  platform: z
    .string()
    .regex(/^linux\/[a-z0-9]{2,16}(?:\/v[0-9]{1,2})?$/)
    .exactOptional(),
});
export type ServiceSpec = z.infer<typeof serviceSpec>;

const appVolumeSpec = z.strictObject({
  sizeBytes: volumeSize,
  keep: keep.exactOptional(),
  schedule: z.string().max(100).exactOptional(),
  growToBytes: volumeSize.exactOptional(),
  constraints: volumeConstraints.exactOptional(),
  snapshotOnChange: snapshotOnChange.exactOptional(),
  hooks: snapshotHooks.exactOptional(),
  replicas: volumeReplicas.exactOptional(),
  backup: volumeBackup.exactOptional(),
  /** One that the lab has already, which the app uses and does not make; its size and all else are its own. */
  external: z.strictObject({ namespace: name.exactOptional(), name }).exactOptional(),
});

/** What ties an app to nodes, apart from its volumes. */
const appPlacement = z.strictObject({
  /** The one that it runs on, by its name. */
  node: name.exactOptional(),
  /** Mount points that show the same on each node that has them; the app only reads there. */
  shares: z.array(hostPath).max(50).exactOptional(),
});

export const appSpec = z.strictObject({
  title: z.string().max(100).exactOptional(),
  icon: z.string().max(2048).exactOptional(),
  url: z.string().max(2048).exactOptional(),
  services: z.record(serviceName, serviceSpec),
  /** Keyed as in the compose file. */
  volumes: z.record(volumeKey, appVolumeSpec),
  placement: appPlacement.exactOptional(),
});
export type AppSpec = z.infer<typeof appSpec>;

const revision = {
  spec: appSpec,
  /** The compose file, byte for byte. */
  compose: blobRef,
  /** The resolved services with environment and bundled files: what the node's agent reads. */
  bundle: blobRef,
  /** All files that came with it, `.env` included: the next revision may go on from them. Null: nobody kept them. */
  files: blobRef.nullable(),
  /** Volume of the lab for each volume of the specification. */
  volumes: z.record(volumeKey, volumeRef),
};

/** Before schema 2 only those files were kept that a service mounts. */
const filesUnknown: Upcast = (data: object) => ({ ...data, files: null });

const olderRevisions = { 1: filesUnknown, 2: asItWas, 3: asItWas, 4: asItWas };

/** Before schema 2 nobody said how long. */
const justBegun: Upcast = (data: object) => ({ ...data, lasts: false });

export const appEvents = {
  'app.created': event(5, z.strictObject({ metadata, ...revision }), olderRevisions),
  'app.updated': event(5, z.strictObject(revision), olderRevisions),
  /** What their images are, from now on: found out when they were first started. Those that are not named stay. */
  'app.images-pinned': event(1, z.strictObject({ images: z.record(serviceName, imagePin) })),
  /** A new revision of the same files with other images; null: what its name means at the next start. */
  'app.images-renewed': event(1, z.strictObject({ images: z.record(serviceName, imagePin.nullable()) })),
  /** Somebody wants to know what the registries have under their names now. */
  'app.images-check-requested': event(1, z.strictObject({})),
  /** What they have; the registries of the other ones did not answer. */
  'app.images-checked': event(
    1,
    z.strictObject({ images: z.record(serviceName, offeredImage), unanswered: z.array(serviceName).max(1000) }),
  ),
  /** Where the data lies that it has outside of its volumes: the app runs there, and nowhere else. */
  'app.tied': event(1, z.strictObject({ node: nodeRef })),
  /** Nodes that may have to run it next: they get its images beforehand. */
  'app.standby-chosen': event(1, z.strictObject({ nodes: z.array(nodeRef).max(16) })),
  /** Its images are ready on a node on which it does not run. */
  'app.images-held': event(1, z.strictObject({ node: nodeRef, images: z.record(serviceName, imageId) })),
  'app.start-requested': event(1, z.strictObject({})),
  'app.started': event(1, z.strictObject({})),
  'app.degraded': event(1, z.strictObject({ service: serviceName, problem })),
  'app.recovered': event(1, z.strictObject({})),
  'app.failed': event(1, z.strictObject({ problem, service: serviceName.exactOptional() })),
  /** It should run and cannot yet; said once for each reason, and once more when it `lasts`. */
  'app.delayed': event(2, z.strictObject({ problem, lasts: z.boolean() }), { 1: justBegun }),
  'app.stop-requested': event(1, z.strictObject({})),
  'app.stopped': event(1, z.strictObject({})),
  /** Stopped for a while: a restart, or a volume that is rolled back. */
  'app.paused': event(1, z.strictObject({ for: z.union([volumeRef, z.literal('restart')]) })),
  'app.resumed': event(1, z.strictObject({})),
  'app.removal-requested': event(1, z.strictObject({ withVolumes: z.boolean() })),
  'app.removed': event(1, z.strictObject({})),
};
