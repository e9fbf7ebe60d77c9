/** Files of the volumes of the lab in memory: the same for every volume, a little older in each of its snapshots. */
import type { DiffAnswer, FilesAnswer } from '#io/contract/files.ts';
import { simLink, simTree } from '#io/devices/tree/sim.ts';
import { IoError } from '#io/devices/error.ts';

const now = new Map([
  ['config/app.ini', 'port = 8080\nworkers = 4\n'],
  ['config/secret.key', 'k'.repeat(64)],
  ['library/2026/november/sunrise over the bay, first light.jpg', 'x'.repeat(300_000)],
  ['library/2026/november/%FFraw.dng', 'raw'],
  ['library/latest', simLink('2026/november')],
  ['run/app.sock', '\u0000fifo'],
  ['README.md', '# Photos\n'],
]);
const before = new Map([...now, ['config/app.ini', 'port = 80\n'], ['notes.txt', 'to do\n']]);
before.delete('README.md');

/** One with more entries than a page. */
for (let n = 0; n < 620; n++) now.set(`many/${String(n).padStart(4, '0')}.txt`, `${n}`);

const tree = simTree({
  filesAt: (root) => (root === 'now' ? now : undefined),
  snapshotFilesAt: (root) => (root === 'now' || root === 'gone' ? undefined : before),
  writeAt: (_, file, text) => void now.set(file, text),
});
const call = { signal: new AbortController().signal, timeoutMs: 1000, progress: () => {} };

type Query = Readonly<Record<string, string>>;

export async function filesAnswer(query: Query): Promise<FilesAnswer> {
  const { path = '', snapshot, cursor, limit = '500' } = query;
  const range = { limit: Number(limit), ...(cursor === undefined ? {} : { after: cursor }) };
  const { self, entries, more } = await tree.list(snapshot ?? 'now', path, range, call);
  const last = entries.at(-1)?.name;
  return {
    path,
    snapshot: snapshot ?? null,
    self,
    items: [...entries],
    ...(more && last !== undefined ? { cursor: last } : {}),
  };
}

export async function fileDiff(query: Query): Promise<DiffAnswer> {
  const { path = '', from = '', to, cursor, limit = '500' } = query;
  const options = { path, limit: Number(limit), content: true, ...(cursor === undefined ? {} : { after: cursor }) };
  const { items, more } = await tree.diff(from, to === undefined || to === 'now' ? 'now' : to, options, call);
  const last = items.at(-1)?.path;
  return { path, from, to: to ?? null, items: [...items], ...(more && last !== undefined ? { cursor: last } : {}) };
}

export async function fileContent({ path = '', snapshot }: Query): Promise<Buffer> {
  const { self } = await tree.list(snapshot ?? 'now', path, { limit: 1 }, call);
  const root = snapshot ?? 'now';
  const bytes =
    self.kind === 'folder'
      ? tree.pack(root, path, call.signal)
      : tree.read(root, path, { from: 0, to: self.sizeBytes }, call.signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const isMissing = (error: unknown): error is IoError => error instanceof IoError;
