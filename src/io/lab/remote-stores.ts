/**
 * The folders of backup targets, for the nodes that do not have them: objects through the links between nodes. A node gives
 * and takes nothing but objects of targets that the lab has, whose folder it has itself.
 *
 *   store/ask    head, delete: one answer
 *   store/list   what is there, a line of JSON each
 *   store/get    an object, or a part of it
 *   store/put    an object: its bytes one way, `stored` or `exists` the other
 */
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { systemNamespace } from '#actors/drafting.ts';
import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import { openDirStore } from '../devices/backup/store/dir.ts';
import { maxObjectBytes, storeError, type ObjectStore, type StoredObject } from '../devices/backup/store/port.ts';
import { folderOf, isLocal } from '../devices/backup/targets/folder.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import { gathered, type Others } from './others.ts';

const target = z.string().min(1).max(64);
const key = z.string().max(512);
const of = z.strictObject({ target, key });
const asked = of.extend({ do: z.enum(['head', 'delete']) });
const range = z.strictObject({ from: z.int().min(0), to: z.int().min(0) });
const wanted = of.extend({ range: range.exactOptional() });
const brought = of.extend({ sizeBytes: z.int().min(0).max(maxObjectBytes) });
const stored = z.strictObject({ key, sizeBytes: z.int().min(0), modifiedAt: z.number() });

export interface RemoteStoresParts {
  readonly lab: LabView;
  /** Of this node. */
  readonly volumes: Pick<VolumePort, 'mount'>;
  readonly others: Pick<
    Others,
    'self' | 'ask' | 'answer' | 'read' | 'offer' | 'readBytes' | 'offerBytes' | 'duplex' | 'offerDuplex'
  >;
}

/** @returns the folder of a target at its home */
export function remoteStores({ lab, others, volumes }: RemoteStoresParts) {
  const self = streamOf('node', others.self);
  const own = async (name: string, signal: AbortSignal): Promise<ObjectStore> => {
    const store = lab.byName('backup-target', systemNamespace, name)?.context.spec.store;
    if (store && isLocal(store) && store.node === self)
      return openDirStore(await folderOf(store, volumes, signal), signal);
    throw storeError('MISSING', 'open', name, `this node has no backup target ${name}`);
  };

  others.answer('store/ask', async (said, _, signal) => {
    const { target: name, key: object, do: what } = asked.parse(said);
    const store = await own(name, signal);
    if (what === 'head') return (await store.head(object, signal)) ?? null;
    await store.delete(object, signal);
    return null;
  });
  others.offer('store/list', async function* (params, _, signal) {
    const { target: name, key: prefix } = of.parse(params);
    const store = await own(name, signal);
    for await (const object of store.list(prefix, signal)) yield Buffer.from(`${JSON.stringify(object)}\n`);
  });
  others.offerBytes('store/get', async (params, _, signal) => {
    const { target: name, key: object, range: part } = wanted.parse(params);
    return (await own(name, signal)).get(object, signal, part);
  });
  others.offerDuplex('store/put', async (duplex, params, _, signal) => {
    const { target: name, key: object, sizeBytes } = brought.parse(params);
    const store = await own(name, signal);
    const bytes = await gathered(duplex.read(), sizeBytes);
    if (bytes.length !== sizeBytes) throw storeError('TRUNCATED', 'put', object, `${object} was cut short on its way`);
    await duplex.write(Buffer.from(await store.put(object, bytes, signal)));
    await duplex.end();
  });

  return (home: StreamId<'node'>, name: string, path: string): ObjectStore => {
    const node = idOf(home);
    const told = async <T>(op: string, work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw asIoError(error, op, whoIs(lab, node));
      }
    };
    return {
      where: `${path} on ${whoIs(lab, node).name}`,
      head: (object, signal) =>
        told('head', async () => {
          const said = await others.ask(node, 'store/ask', { do: 'head', target: name, key: object }, signal);
          return stored.nullable().parse(said) ?? undefined;
        }),
      delete: (object, signal) =>
        told('delete', async () => {
          await others.ask(node, 'store/ask', { do: 'delete', target: name, key: object }, signal);
        }),
      list: async function* (prefix, signal): AsyncGenerator<StoredObject> {
        let rest = '';
        try {
          for await (const piece of others.read(node, 'store/list', { target: name, key: prefix }, signal)) {
            const lines = (rest + Buffer.from(piece).toString()).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) yield stored.parse(JSON.parse(line));
          }
        } catch (error) {
          throw asIoError(error, 'list', whoIs(lab, node));
        }
      },
      get: (object, signal, part) =>
        told('get', async () => {
          const params = { target: name, key: object, ...(part ? { range: part } : {}) };
          return others.readBytes(node, 'store/get', params, { signal, maxBytes: maxObjectBytes });
        }),
      put: (object, bytes, signal) =>
        told('put', async () => {
          const params = { target: name, key: object, sizeBytes: bytes.length };
          const duplex = await others.duplex(node, 'store/put', params, signal);
          try {
            const heard = gathered(duplex.read(), 16);
            // It may have said why not, while we write on.
            heard.catch(() => duplex.close());
            await duplex.write(bytes);
            await duplex.end();
            return z.enum(['stored', 'exists']).parse((await heard).toString());
          } finally {
            duplex.close();
          }
        }),
    };
  };
}
