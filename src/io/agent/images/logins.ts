/** The logins of registries that the lab keeps, for whoever pulls on a node. They are read anew each time: one may be changed. */
import type { LabView } from '#actors/actor.ts';
import { registryAccess } from '#actors/cluster/registries.ts';
import * as z from 'zod';
import type { RegistryLogin } from '../../devices/docker/port.ts';
import { registryOf } from '../../devices/docker/reference.ts';
import { IoError } from '../../devices/error.ts';

/** @param image a reference @returns undefined where the lab has no login of its registry */
export type LoginOf = (image: string) => Promise<RegistryLogin | undefined>;

const kept = z.strictObject({ password: z.string() });

export function registryLogins(lab: LabView, blobs: { get(ref: string): Promise<Uint8Array> }): LoginOf {
  return async (image) => {
    const server = registryOf(image);
    const access = registryAccess(server, lab);
    if (!access) return undefined;
    try {
      const { password } = kept.parse(JSON.parse(Buffer.from(await blobs.get(access.secret)).toString('utf8')));
      return { server, username: access.username, password };
    } catch (cause) {
      throw new IoError('IMAGE_PULL_FAILED', {
        ...{ op: 'read registry login', target: server, cause },
        message: `the login of registry ${server} cannot be read on this node`,
        hint: `Give it once more: floatlab registry login ${server}`,
      });
    }
  };
}
