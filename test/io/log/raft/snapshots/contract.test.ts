import { snapshotsContract } from '#test/contracts/snapshots.ts';
import { onEveryDirectory } from '#test/io/stores/directories.ts';

onEveryDirectory(snapshotsContract);
