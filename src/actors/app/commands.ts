import { imageId, offeredImage } from '#events/values/image.ts';
import { problem } from '#events/values/metadata.ts';
import { name, serviceName } from '#events/values/name.ts';
import { relativePath } from '#events/values/path.ts';
import { appRef, nodeRef, volumeKey } from '#events/volume.ts';
import * as z from 'zod';
import { maxComposeFiles } from '../compose/model.ts';
import { defaultNamespace, target } from '../drafting.ts';

const maxComposeBytes = 2 ** 20;

const path = z
  .array(z.union([z.string().min(1).max(256), z.int().min(0).max(10_000)]))
  .min(1)
  .max(20);
const scalar = z.union([z.string().max(65_536), z.number(), z.boolean(), z.null()]);
/** A value of a key, or a map or list of those. */
const value = z.union([scalar, z.array(scalar).max(1000), z.record(z.string().max(256), scalar)]);

const composeEdit = z.discriminatedUnion('do', [
  /** The keys above it are made where they are missing. */
  z.strictObject({ do: z.literal('set'), path, value }),
  z.strictObject({ do: z.literal('insert'), path, value }),
  z.strictObject({ do: z.literal('remove'), path }),
  z.strictObject({ do: z.literal('rename'), path, key: z.string().min(1).max(256) }),
]);

export const appCommands = {
  /** Creates the app or brings it to this compose file; the same file again changes nothing. */
  'deploy-app': z.strictObject({
    namespace: name.default(defaultNamespace),
    /** Taken from the file when it is left out. */
    name: name.exactOptional(),
    fileName: z.string().min(1).max(255).default('compose.yaml'),
    compose: z.string().max(maxComposeBytes, 'a compose file has at most 1 MiB'),
    /**
     * Files that the compose file names, by their path beside it; content in base64. Left out: those of the last
     * revision; `{}`: none. A compose file with `override` is merged over the first one, as the how-manieth.
     */
    files: z
      .record(
        relativePath,
        z.strictObject({
          content: z.base64().max(2 ** 22),
          mode: z.int().min(0).max(0o777).default(0o644),
          override: z.int().min(1).max(maxComposeFiles).exactOptional(),
        }),
      )
      .exactOptional(),
    start: z.boolean().default(true),
    /** Volumes, by their keys in the file, that are there already and nobody's: taken as they are, with what they hold. */
    attach: z.array(volumeKey).max(200).exactOptional(),
  }),
  /**
   * Changes single values of the stored compose file: comments, order and style stay, and so do the files beside it. All
   * of the edits are made, or none.
   */
  'edit-app': z.strictObject({
    ...target,
    /** The one that was looked at: when somebody has deployed another one since, nothing is changed. */
    revision: z.int().min(1),
    edits: z.array(composeEdit).min(1).max(50),
  }),
  /** What it uses of a machine, outside of volumes, lies on this node, too: a person's word, which nothing can check. */
  'tie-app': z.strictObject({ ...target, node: name }),
  /** To another node, with all of its volumes: replicas there take their places. */
  'move-app': z.strictObject({
    ...target,
    node: name,
    /** What the volumes were becomes replicas; else it is removed. */
    replica: z.boolean().default(true),
  }),
  /** All of its volumes stay where they are, until it is decided. */
  'cancel-app-move': z.strictObject(target),
  'start-app': z.strictObject(target),
  'stop-app': z.strictObject(target),
  'restart-app': z.strictObject(target),
  'remove-app': z.strictObject({ ...target, withVolumes: z.boolean().default(false) }),
  /** Goes on with the images that its registries have now under the names in its file; its files stay as they are. */
  'update-app': z.strictObject({
    ...target,
    /** Left out: all that have another one. */
    services: z.array(serviceName).min(1).max(1000).exactOptional(),
  }),
  'choose-standby': z.strictObject({ app: appRef, nodes: z.array(nodeRef).max(16) }),
  'report-images-held': z.strictObject({
    app: appRef,
    node: nodeRef,
    revision: z.int().min(1),
    images: z.record(serviceName, imageId),
  }),
  /** Asks the registries what they have under the names in its file; nothing changes. */
  'check-app-images': z.strictObject(target),
  'request-image-check': z.strictObject({ app: appRef }),
  'report-app-images': z.strictObject({
    app: appRef,
    images: z.record(serviceName, offeredImage),
    unanswered: z.array(serviceName).max(1000).default([]),
  }),
  'delay-app': z.strictObject({ app: appRef, problem, lasts: z.boolean().default(false) }),
  'finish-app': z.strictObject({ app: appRef }),
};
