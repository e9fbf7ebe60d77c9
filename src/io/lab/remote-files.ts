/**
 * Files of volumes wherever they are: here, or on another node, through the links between nodes. The node at which a
 * person asks has authorized it; the other one does what it is asked by a node of its lab.
 *
 *   files/answer   a folder, a comparison, what was written since a snapshot, snapshots of other tools: one message, in pieces
 *   files/bytes    a file, a folder or an export: as fast as the reader takes it, within the limit for bulk
 *   files/bring    an import, a flow each way: `ready` once it is wanted, then the bytes, then how it ended
 */
import { Packr } from 'msgpackr';
import * as z from 'zod';
import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import { folderPath } from '#events/values/tree-path.ts';
import { difference, fileEntry, fileFacts } from '#io/contract/files.ts';
import { foreignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { LabView } from '#actors/actor.ts';
import { IoError } from '../devices/error.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import type { Others } from './others.ts';
import type { VolumeFiles } from './port.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

const id = z.string().min(1).max(64);
const snapshot = z.string().min(1).max(128).nullable();
const limit = z.int().min(1).max(1000);
const where = z.object({ volume: id, snapshot, path: folderPath });
const asked = z.discriminatedUnion('ask', [
  where.extend({ ask: z.literal('list'), after: folderPath.exactOptional(), limit }),
  z.object({
    ask: z.literal('diff'),
    volume: id,
    from: snapshot,
    to: snapshot,
    path: folderPath,
    after: folderPath.exactOptional(),
    limit,
    content: z.boolean(),
  }),
  z.object({ ask: z.literal('written'), volume: id, snapshot: z.string().min(1).max(128) }),
  z.object({ ask: z.literal('foreign-snapshots'), volume: id }),
]);
const offset = z.int().min(0);
const wanted = z.discriminatedUnion('want', [
  where.extend({ want: z.literal('file'), from: offset, to: offset }),
  where.extend({ want: z.literal('folder') }),
  z.object({ want: z.literal('export'), transfer: id }),
]);
const brought = z.object({ transfer: id });

const listed = z.object({ self: fileFacts, entries: z.array(fileEntry), more: z.boolean() });
const counted = z.object({ bytes: z.int().min(0).nullable() });
const compared = z.object({ items: z.array(difference), more: z.boolean() });

/** A thousand entries with the longest paths stay far below. */
const maxAnswerBytes = 32 * 1024 * 1024;

export interface RemoteFilesParts {
  readonly local: VolumeFiles;
  readonly lab: LabView;
  readonly others: Others;
}

export function remoteFiles({ local, lab, others }: RemoteFilesParts): VolumeFiles {
  others.offer('files/answer', async function* (params, _, signal) {
    const { volume: of, ...ask } = asked.parse(params);
    const volume = streamOf('volume', of);
    if (ask.ask === 'list') {
      const { snapshot: as, path, ask: _kind, ...range } = ask;
      yield packr.pack(await local.list({ volume, snapshot: as, path }, range, signal));
    } else if (ask.ask === 'written') {
      yield packr.pack({ bytes: (await local.written(volume, ask.snapshot, signal)) ?? null });
    } else if (ask.ask === 'foreign-snapshots') {
      yield packr.pack(await local.foreignSnapshots(volume, signal));
    } else {
      const { from, to, ask: _kind, ...options } = ask;
      yield packr.pack(await local.diff(volume, { from, to }, options, signal));
    }
  });
  others.offer(
    'files/bytes',
    (params, _, signal) => {
      const want = wanted.parse(params);
      if (want.want === 'export') return local.fetch(want.transfer, signal);
      const { snapshot: as, path } = want;
      const of = { volume: streamOf('volume', want.volume), snapshot: as, path };
      return want.want === 'folder' ? local.pack(of, signal) : local.read(of, { from: want.from, to: want.to }, signal);
    },
    'bulk',
  );
  others.offerDuplex('files/bring', async (duplex, params, _, signal) => {
    await local.bring(brought.parse(params).transfer, duplex.read(), signal);
    await duplex.write(Buffer.from('done'));
    await duplex.end();
  });

  /** Undefined: here, or nowhere. */
  const elsewhere = (volume: StreamId<'volume'> | undefined): string | undefined => {
    const node = (volume && lab.get(volume)?.context.node) ?? undefined;
    return node === undefined || idOf(node) === others.self ? undefined : idOf(node);
  };
  const ofTransfer = (transfer: string) => elsewhere(lab.get(streamOf('transfer', transfer))?.context.volume);
  const answer = async <T>(node: string, params: object, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> => {
    try {
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      for await (const piece of others.read(node, 'files/answer', params, signal)) {
        bytes += piece.length;
        if (bytes > maxAnswerBytes) throw new Error('it answers far too much');
        pieces.push(piece);
      }
      return schema.parse(packr.unpack(Buffer.concat(pieces)));
    } catch (error) {
      throw asIoError(error, 'read files', whoIs(lab, node));
    }
  };
  async function* bytes(node: string, params: object, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* others.read(node, 'files/bytes', params, signal);
    } catch (error) {
      throw asIoError(error, 'read files', whoIs(lab, node));
    }
  }

  return {
    list: async (of, range, signal) => {
      const node = elsewhere(of.volume);
      if (node === undefined) return local.list(of, range, signal);
      return answer(node, { ask: 'list', ...of, volume: idOf(of.volume), ...range }, listed, signal);
    },
    diff: async (volume, between, options, signal) => {
      const node = elsewhere(volume);
      if (node === undefined) return local.diff(volume, between, options, signal);
      return answer(node, { ask: 'diff', volume: idOf(volume), ...between, ...options }, compared, signal);
    },
    read: (of, range, signal) => {
      const node = elsewhere(of.volume);
      if (node === undefined) return local.read(of, range, signal);
      return bytes(node, { want: 'file', ...of, volume: idOf(of.volume), ...range }, signal);
    },
    pack: (of, signal) => {
      const node = elsewhere(of.volume);
      if (node === undefined) return local.pack(of, signal);
      return bytes(node, { want: 'folder', ...of, volume: idOf(of.volume) }, signal);
    },
    written: async (volume, as, signal) => {
      const node = elsewhere(volume);
      if (node === undefined) return local.written(volume, as, signal);
      const ask = { ask: 'written', volume: idOf(volume), snapshot: as };
      return (await answer(node, ask, counted, signal)).bytes ?? undefined;
    },
    foreignSnapshots: (volume, signal) => {
      const node = elsewhere(volume);
      if (node === undefined) return local.foreignSnapshots(volume, signal);
      return answer(node, { ask: 'foreign-snapshots', volume: idOf(volume) }, foreignSnapshotsAnswer, signal);
    },
    fetch: (transfer, signal) => {
      const node = ofTransfer(transfer);
      return node === undefined ? local.fetch(transfer, signal) : bytes(node, { want: 'export', transfer }, signal);
    },
    bring: async (transfer, content, signal) => {
      const node = ofTransfer(transfer);
      if (node === undefined) return local.bring(transfer, content, signal);
      try {
        const duplex = await others.duplex(node, 'files/bring', { transfer }, signal);
        try {
          const heard = words(duplex.read());
          // Whoever takes them may have said why not, while we write on.
          heard.catch(() => duplex.close());
          for await (const chunk of content) await duplex.write(chunk);
          await duplex.end();
          if ((await heard) !== 'done') throw new Error('it ended without a word');
        } finally {
          duplex.close();
        }
      } catch (error) {
        throw asIoError(error, 'import', whoIs(lab, node));
      }
    },
  };
}

async function words(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of pieces) {
    text += Buffer.from(piece).toString();
    if (text.length > 100) throw new IoError('FAILED', { op: 'import', target: 'it', message: 'it says too much' });
  }
  return text;
}
