/** What a recovery kit shows without its key: which targets it opens, and where they were. Pure. */
import * as z from 'zod';

/** As far as a page needs it; the lab that opens it reads all of it, strictly. */
const shown = z.object({
  floatlabBackupKit: z.number(),
  lab: z.string(),
  targets: z.array(
    z.object({
      name: z.string(),
      where: z.string(),
      store: z.object({ kind: z.string(), path: z.string().optional() }),
    }),
  ),
});
export type ShownKit = z.infer<typeof shown>;

/** @returns undefined when it is no kit */
export function kitIn(text: string): ShownKit | undefined {
  try {
    return shown.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
