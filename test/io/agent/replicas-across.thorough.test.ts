/** Replicas in a simulated lab, between those kinds of pools that are left out every day. */
import { replicaLife } from './replica-life.ts';

for (const on of ['zfs, of a volume on btrfs', 'btrfs, of a volume in a plain folder'] as const) replicaLife(on);
