/**
 * Where replicas are in a zpool, beside the volumes (`volumes/zfs/layout.ts`):
 *
 *     <root>/:replicas            read-only, never mounted, and so is all below it; has the markers of all datasets,
 *       │                         floatlab:replica.<name>
 *       ├─ db                     a replica
 *       ├─ _db                    one that comes with a stream of everything: renamed once it is whole
 *       └─ .db                    what diverged, on its way to become a volume
 *
 * `@.incoming` is a snapshot that has come and was not accepted yet. No volume and no home of one is called `:replicas`.
 */

export interface ReplicaNames {
  readonly holder: string;
  readonly replica: string;
  readonly fresh: string;
  readonly aside: string;
  /** User property of the holder. */
  readonly marker: string;
}

export function replicaNames(root: string, name: string): ReplicaNames {
  const holder = `${root}/:replicas`;
  return {
    holder,
    replica: `${holder}/${name}`,
    fresh: `${holder}/_${name}`,
    aside: `${holder}/.${name}`,
    marker: `floatlab:replica.${name}`,
  };
}

export const incomingName = '.incoming';

/** Of the holder: all replicas inherit it. */
export const holderSettings = { canmount: 'off', mountpoint: 'none', readonly: 'on' } as const;

export const holdTag = (peer: string): string => `floatlab:${peer}`;
/** On a snapshot: who needs it. zfs itself keeps it for them, and zfs-fuse cannot say for whom. */
export const peersProperty = 'floatlab:peers';

/** A place in history that outlives its snapshot: one for each peer. */
export const bookmarkName = (peer: string, guid: string): string => `floatlab-${guid}-${peer}`;
export function readBookmark(name: string): { readonly guid: string; readonly peer: string } | undefined {
  const [, guid, peer] = /^floatlab-(\d+)-(.+)$/.exec(name) ?? [];
  return guid === undefined || peer === undefined ? undefined : { guid, peer };
}
