/**
 * Commands that change something, and are not ended in the middle: the request of a command that is dead is fulfilled
 * all the same where ZFS is a file system in user space, after its successor has looked what is there. In the kernel,
 * the command lives until its request is fulfilled anyway.
 */
const changing: ReadonlySet<string> = new Set(
  'create clone snapshot rename promote destroy set inherit mount unmount hold release bookmark rollback receive'.split(
    ' ',
  ),
);
const changeMs = 5000;

/** @returns how long the command may go on after an abort or its time, milliseconds */
export const graceOf = (file: string, args: readonly string[]): number =>
  file === 'zfs' && changing.has(args[0] ?? '') ? changeMs : 0;
