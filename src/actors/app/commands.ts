import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { relativePath } from '#events/values/path.ts';
import { appRef } from '#events/volume.ts';
import * as z from 'zod';
import { defaultNamespace, target } from '../drafting.ts';

const maxComposeBytes = 2 ** 20;

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
     * revision; `{}`: none.
     */
    files: z
      .record(
        relativePath,
        z.strictObject({ content: z.base64().max(2 ** 22), mode: z.int().min(0).max(0o777).default(0o644) }),
      )
      .exactOptional(),
    start: z.boolean().default(true),
  }),
  'start-app': z.strictObject(target),
  'stop-app': z.strictObject(target),
  'restart-app': z.strictObject(target),
  'remove-app': z.strictObject({ ...target, withVolumes: z.boolean().default(false) }),
  'delay-app': z.strictObject({ app: appRef, problem, lasts: z.boolean().default(false) }),
  'finish-app': z.strictObject({ app: appRef }),
};
