/**
 * Files of the volumes of a simulated machine, in memory, by absolute path; and a hand for a test to do what an app
 * does. They live apart from the content of the simulated volumes: a roll-back does not touch them.
 */
import { isWithin } from '#events/values/path.ts';
import { isLink } from './errors.ts';
import { isHostLink, isMissing, refuseOwn } from './host-path.ts';
import { hashOf, keptName, keptOf, noted, nothing, other, verdictOn, type Notes } from './notes.ts';
import type { FilesPort, FileToWrite, KeptFile } from './port.ts';

/** A link is one, whatever it leads to; anything else is its content. */
const link = Symbol('link');

export interface SimFiles extends FilesPort {
  /** Undefined: nothing, or no file. */
  read(root: string, path: string): string | undefined;
  /** What an app does. */
  write(root: string, path: string, text: string): void;
  link(root: string, path: string): void;
  remove(root: string, path: string): void;
  /** How often a folder was given the content of an image. */
  fills(root: string): number;
}

/** @param own folders of FloatLab on that machine */
export function simFiles(own: readonly string[] = []): SimFiles {
  const things = new Map<string, string | typeof link>();
  const notesOf = new Map<string, Notes>();
  const fills = new Map<string, number>();
  const at = (root: string, path: string): string => `${root === '/' ? '' : root}/${path}`;

  function refuseLinks(root: string, path: string): void {
    const parts = path.split('/');
    parts.forEach((_, n) => {
      const part = at(root, parts.slice(0, n + 1).join('/'));
      if (things.get(part) === link) throw isLink(part);
    });
  }

  function place(root: string, { path, bytes, isMounted }: FileToWrite, revision: number, notes: Notes): Notes {
    const parent = path.split('/').slice(0, -1).join('/');
    if (parent !== '') refuseLinks(root, parent);
    const place = at(root, path);
    const thing = things.get(place);
    const there = thing === undefined ? nothing : thing === link ? other : hashOf(Buffer.from(thing));
    const wanted = hashOf(bytes);
    const verdict = verdictOn(there, wanted, notes.get(path), isMounted);
    if (verdict === 'leave') return notes;
    if (verdict === 'as-wanted') return noted(notes, path, wanted);
    const kept = keptName(path, revision, (name) => things.has(at(root, name)));
    if (verdict === 'keep' && thing !== undefined) things.set(at(root, kept), thing);
    things.set(place, Buffer.from(bytes).toString());
    return noted(notes, path, wanted, verdict === 'keep' ? { as: kept, revision } : undefined);
  }

  return {
    ensure: async (root, { files, folders, revision }): Promise<readonly KeptFile[]> => {
      for (const folder of folders) refuseLinks(root, folder);
      let notes = notesOf.get(root) ?? new Map();
      for (const file of files) notes = place(root, file, revision, notes);
      notesOf.set(root, notes);
      return keptOf(notes, revision).filter(({ keptAs }) => things.has(at(root, keptAs)));
    },
    check: async (root, path) => refuseLinks(root, path),
    // Things of the machine itself are at `/`, and every machine has its system.
    checkHost: async ({ path, create, mayBeLink }) => {
      refuseOwn(path, own);
      if (mayBeLink) return;
      const parts = path.slice(1).split('/');
      const onTheWay = parts.map((_, n) => `/${parts.slice(0, n + 1).join('/')}`);
      const linked = onTheWay.find((part) => things.get(part) === link);
      if (linked !== undefined) throw isHostLink(path, linked);
      const isThere = [...things.keys()].some((thing) => isWithin(thing, path));
      if (!isThere && !create) throw isMissing({ path });
      if (!isThere) things.set(path, '');
    },
    fill: async (root, content) => {
      if (fills.has(root)) return;
      const tar = await content();
      if (!tar) return;
      for await (const _ of tar);
      fills.set(root, (fills.get(root) ?? 0) + 1);
    },
    read: (root, path) => {
      const thing = things.get(at(root, path));
      return thing === link ? undefined : thing;
    },
    write: (root, path, text) => void things.set(at(root, path), text),
    link: (root, path) => void things.set(at(root, path), link),
    remove: (root, path) => void things.delete(at(root, path)),
    fills: (root) => fills.get(root) ?? 0,
  };
}
