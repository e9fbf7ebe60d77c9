/** Files of volumes, as every node answers about them. Paths and names are texts of `#events/values/tree-path.ts`. */
import * as z from 'zod';

const fileKinds = ['file', 'folder', 'link', 'fifo', 'socket', 'device'] as const;

const facts = {
  kind: z.enum(fileKinds),
  /** Of a file what it is long, holes counted; of a link the length of its target; of all others 0. */
  sizeBytes: z.number(),
  /** Milliseconds since 1970. */
  modifiedAt: z.number(),
  /** Permission bits, 0 to 0o7777. */
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
  /** Of a link: where it leads. It is never followed. */
  target: z.string().exactOptional(),
};
export const fileFacts = z.object(facts);
export type FileFacts = z.infer<typeof fileFacts>;

export const fileEntry = z.object({ name: z.string(), ...facts });
export type FileEntry = z.infer<typeof fileEntry>;

export const difference = z.object({
  /** Of a folder that was added or removed: with everything in it. */
  change: z.enum(['added', 'removed', 'changed']),
  path: z.string(),
  /** What differs, of something that changed: `attributes` are mode and owner. */
  what: z.enum(['kind', 'content', 'attributes']).exactOptional(),
  before: fileFacts.exactOptional(),
  after: fileFacts.exactOptional(),
});
export type Difference = z.infer<typeof difference>;

/** Answer of `list-files`. */
export const filesAnswer = z.object({
  path: z.string(),
  /** Null: as it is now. */
  snapshot: z.string().nullable(),
  /** What is at the path itself; where it is no folder there are no items. */
  self: fileFacts,
  /** By name, in the order of bytes. */
  items: z.array(fileEntry),
  /** For the next page; absent at the end. */
  cursor: z.string().exactOptional(),
});
export type FilesAnswer = z.infer<typeof filesAnswer>;

/** Answer of `diff-files`. */
export const diffAnswer = z.object({
  path: z.string(),
  from: z.string(),
  /** Null: as it is now. */
  to: z.string().nullable(),
  items: z.array(difference),
  /** For the next page; absent at the end. */
  cursor: z.string().exactOptional(),
});
export type DiffAnswer = z.infer<typeof diffAnswer>;

/** Answer of `import-volume`: it is done, and on the disk. */
export const importAnswer = z.object({ operation: z.string(), files: z.int(), bytes: z.int() });
export type ImportAnswer = z.infer<typeof importAnswer>;
