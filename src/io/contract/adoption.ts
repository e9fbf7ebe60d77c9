/** What runs on a node beside the lab, and what would become of it if it were handed over. As it is at this moment. */
import * as z from 'zod';
import { mountKinds } from '#actors/compose/inspected/plan.ts';

const text = z.string().max(4096);

const adoptableProject = z.object({
  /** Of Compose; of a plain container its name. */
  name: text,
  isCompose: z.boolean(),
  /** Of its compose file. */
  folder: text.nullable(),
  containers: z.array(
    z.object({
      id: text,
      name: text,
      service: text,
      image: text,
      state: z.enum(['created', 'running', 'paused', 'exited', 'dead']),
      health: z.enum(['none', 'starting', 'healthy', 'unhealthy']),
      /** Milliseconds since 1970; null when it never ran. */
      startedAt: z.number().nullable(),
      restartPolicy: text,
    }),
  ),
});
export type AdoptableProject = z.infer<typeof adoptableProject>;

export const projectsAnswer = z.object({ items: z.array(adoptableProject) });
export type ProjectsAnswer = z.infer<typeof projectsAnswer>;

export const adoptionPlanAnswer = z.object({
  node: text,
  project: text,
  /** What the app would be called. */
  app: text,
  containers: z.array(z.object({ id: text, name: text, service: text })),
  file: z.object({
    /** `original`: as it lies on the node; `written`: from the containers. */
    origin: z.enum(['original', 'written']),
    name: text,
    /** It may hold secrets: values of environments. */
    text: z.string().max(2 ** 22),
    /** Why the original is not taken; null when it is. */
    why: text.nullable(),
  }),
  /** Where the original says something else than what runs; `…` stands for what may be a secret. */
  differences: z.array(z.object({ service: text, key: text, file: z.string(), runs: z.string() })),
  findings: z.array(
    z.object({
      path: z.string(),
      file: text,
      line: z.number(),
      column: z.number(),
      message: z.string(),
      hint: z.string().exactOptional(),
      frame: z.string(),
    }),
  ),
  mounts: z.array(
    z.object({
      service: text,
      source: text,
      target: text,
      readOnly: z.boolean(),
      /** A volume where it is, a volume that is copied into, data of the node, a share, or what keeps it from being adopted. */
      becomes: z.enum(mountKinds),
      volume: text.nullable(),
      pool: text.nullable(),
      native: text.nullable(),
      bytes: z.number().nullable(),
      words: z.string(),
    }),
  ),
  steps: z.array(z.object({ words: z.string(), interrupts: z.boolean(), command: z.string().nullable() })),
  /** What keeps it from being handed over; without any it can be. */
  problems: z.array(z.string()),
});
export type AdoptionPlanAnswer = z.infer<typeof adoptionPlanAnswer>;
