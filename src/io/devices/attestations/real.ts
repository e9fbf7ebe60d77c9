/** A file of the data folder: the checksum of what follows, and what follows, as JSON. */
import { createHash } from 'node:crypto';
import type { StoredAttested } from '#actors/replica/attested.ts';
import * as z from 'zod';
import { replaceFile, textIfThere } from '../../stores/files.ts';
import { asIoError } from '../error.ts';
import type { AttestationStore } from './port.ts';

const time = z.number();
const storedSchema = z.strictObject({
  boot: z.string(),
  bootMs: time,
  wallMs: time,
  replicas: z.record(z.string(), z.strictObject({ until: z.record(z.string(), time), endedMs: time.exactOptional() })),
}) satisfies z.ZodType<StoredAttested>;

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @param warn told of a file that is not what was written */
export function attestationFile(path: string, warn: (message: string) => void): AttestationStore {
  return {
    async read() {
      try {
        const text = await textIfThere(path);
        if (text === undefined) return undefined;
        const end = text.indexOf('\n');
        const content = text.slice(end + 1);
        if (text.slice(0, end) !== sumOf(content)) throw new Error('its checksum does not fit');
        return storedSchema.parse(JSON.parse(content));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        warn(`${path} cannot be used (${why}): how much replicas may lack is unknown until their volumes are heard of`);
        return undefined;
      }
    },
    async write(stored) {
      const content = `${JSON.stringify(stored)}\n`;
      try {
        await replaceFile(path, Buffer.from(`${sumOf(content)}\n${content}`), { mode: 0o600 });
      } catch (error) {
        throw asIoError(error, 'keep what replicas lack', path);
      }
    },
  };
}
