import { historyContract } from '#test/contracts/history.ts';
import { onEveryDirectory } from '#test/io/stores/directories.ts';

onEveryDirectory(historyContract);
