/** Extended attributes of files, by perl and the calls of the kernel: Node has none, and machines often lack `setfattr`. */
import { execFileSync } from 'node:child_process';

/** Numbers of the calls setxattr and getxattr. */
const numbers = process.arch === 'arm64' ? { set: 5, get: 8 } : { set: 188, get: 191 };

export function setAttribute(path: string, name: string, value: Buffer): void {
  const program = `my $v = pack('H*', $ARGV[2]); syscall(${numbers.set}, $ARGV[0], $ARGV[1], $v, length $v, 0) == 0 or die $!`;
  execFileSync('perl', ['-e', program, path, name, value.toString('hex')]);
}

/** @returns empty when it is not there */
export function getAttribute(path: string, name: string): Buffer {
  const program = `my $v = ' ' x 4096; my $n = syscall(${numbers.get}, $ARGV[0], $ARGV[1], $v, 4096); print unpack('H*', substr($v, 0, $n > 0 ? $n : 0))`;
  return Buffer.from(execFileSync('perl', ['-e', program, path, name]).toString(), 'hex');
}

/** An access control list as the kernel keeps it, with an entry for this user. */
export function posixAcl(user: number): Buffer {
  const nobody = 0xffffffff;
  const entries = [
    { tag: 0x01, rights: 7, id: nobody },
    { tag: 0x02, rights: 6, id: user },
    { tag: 0x04, rights: 5, id: nobody },
    { tag: 0x10, rights: 7, id: nobody },
    { tag: 0x20, rights: 0, id: nobody },
  ];
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  entries.forEach(({ tag, rights, id }, n) => {
    bytes.writeUInt16LE(tag, 4 + 8 * n);
    bytes.writeUInt16LE(rights, 6 + 8 * n);
    bytes.writeUInt32LE(id, 8 + 8 * n);
  });
  return bytes;
}
