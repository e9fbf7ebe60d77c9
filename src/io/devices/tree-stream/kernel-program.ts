/**
 * The calls of the kernel that Node does not have, as a small program in Perl, which every Debian has (`perl-base`):
 * extended attributes, times in nanoseconds, holes, device nodes, `syncfs`. One process serves a whole tree: a process
 * for each file (`setfattr`, `touch`, `mknod`) would cost a hundred times as much as the call.
 *
 * It begins in the folder in which it was started and goes from there down and up one name at a time, never over a
 * symbolic link; all that it is asked to do concerns a name in the folder where it is. Requests are carried out in
 * their order. The first one that fails is answered with its errno, and ends the program.
 *
 *   request  op, 1 letter │ length u32 │ body         P enter a folder    U back up       X attributes of names
 *   answer   0 or errno u32 │ length u32 │ body       E where data is     A set metadata  N make a special file
 *                                                     H punch a hole      B all is done   S all is on the disk
 *
 * Only X, E, B and S are answered when all goes well. Attributes of a file are (length u8 │ name │ length u32 │ value)…,
 * sorted by name: as they stand in a stream.
 */
import { constants } from 'node:fs';

/** Numbers of the calls: setxattr, getxattr, listxattr and removexattr that do not follow links, and the others. */
const callNumbers: Partial<Record<NodeJS.Architecture, readonly number[]>> = {
  //    lset lget llist lrem mknodat utimensat fallocate syncfs fchownat
  x64: [189, 192, 195, 198, 259, 280, 285, 306, 260],
  arm64: [6, 9, 12, 15, 33, 88, 47, 267, 54],
};

/** @returns the arguments for perl; undefined on a processor whose calls have other numbers */
export function kernelProgram(arch: NodeJS.Architecture): readonly string[] | undefined {
  const numbers = callNumbers[arch];
  if (!numbers) return undefined;
  const enter = constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const read = constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return ['-e', program, ...[...numbers, enter, read].map(String)];
}

/** 65536 bytes is the most that the kernel lets an attribute, or the list of their names, have. */
const program = String.raw`
use strict;
my ($lset, $lget, $llist, $lrem, $mknodat, $utimensat, $fallocate, $syncfs, $fchownat, $enter, $read) = map { $_ + 0 } @ARGV;
binmode STDIN; binmode STDOUT; umask 0;
my $here = -100;
my $kept = qr/^(?:user\..+|trusted\..+|security\.capability|system\.posix_acl_(?:access|default))$/s;
my ($in, $out, $name) = ('', '', '.');
my @above;

sub flush { while (length $out) { my $n = syswrite(STDOUT, $out); exit 1 unless defined $n; substr($out, 0, $n, '') } }
sub answer { $out .= pack('VV/a*', 0, $_[0]) }
sub fail { my $e = $! + 0 || 5; $out .= pack('VV/a*', $e, $_[0] . " of '$name'"); flush(); exit 1 }

sub attributes {
  ($name) = @_;
  my $path = $name;
  my $list = "\0" x 65536;
  my $n = syscall($llist, $path, $list, 65536);
  if ($n < 0) { return () if $!{EOPNOTSUPP} || $!{ENOSYS}; fail('llistxattr') }
  return $n == 0 ? () : grep { $_ =~ $kept } split /\0/, substr($list, 0, $n);
}
sub value {
  my ($path, $key) = @_;
  my $v = "\0" x 65536;
  my $n = syscall($lget, $path, $key, $v, 65536);
  fail('lgetxattr') if $n < 0;
  return substr($v, 0, $n);
}
sub packed { my ($path) = @_; join '', map { pack('C/a* V/a*', $_, value($path, $_)) } sort { $a cmp $b } attributes($path) }

sub extents {
  ($name, my $from) = @_;
  sysopen(my $f, $name, $read) or fail('open');
  my $found = '';
  for (my $n = 0; $n < 4096; $n++) {
    my $data = sysseek($f, $from, 3);
    unless (defined $data) { last if $!{ENXIO}; fail('SEEK_DATA') }
    my $hole = sysseek($f, $data, 4);
    fail('SEEK_HOLE') unless defined $hole;
    $found .= pack('Q<Q<', $data, $hole);
    $from = $hole + 0;
  }
  return $found;
}

sub punch {
  my ($f, $at, $length) = @_;
  return if syscall($fallocate, fileno($f), 3, $at, $length) == 0;
  fail('fallocate') unless $!{EOPNOTSUPP} || $!{ENOSYS};
  my $left = -s $f;
  $left = $left - $at < $length ? $left - $at : $length;
  defined sysseek($f, $at, 0) or fail('seek');
  my $zeros = "\0" x 131072;
  while ($left > 0) {
    my $n = syswrite($f, $zeros, $left < 131072 ? $left : 131072);
    defined $n or fail('write');
    $left -= $n;
  }
}

sub apply {
  my ($uid, $gid, $mode, $sec, $nsec, $attributes) = unpack('V V V q< V V/a*', $_[0]);
  my @is = lstat($name) or fail('lstat');
  if (($is[2] & 0170000) != ($mode & 0170000)) { $! = 22; fail('type') }
  my $empty = '';
  if ($is[4] != $uid || $is[5] != $gid) { syscall($fchownat, $here, $name, $uid, $gid, 0x100) == 0 or fail('chown'); @is = lstat($name) }
  my %wanted = unpack('(C/a* V/a*)*', $attributes);
  for my $key (attributes($name)) { next if exists $wanted{$key}; syscall($lrem, $name, $key) == 0 or fail('lremovexattr') }
  if (($mode & 0170000) != 0120000) { chmod($mode & 07777, $name) or fail('chmod') }
  for my $key (sort keys %wanted) {
    my $v = $wanted{$key};
    syscall($lset, $name, $key, $v, length $v, 0) == 0 or fail('lsetxattr');
  }
  my $times = pack('q< q< q< q<', 0, 0x3ffffffe, $sec, $nsec);
  syscall($utimensat, $here, $name, $times, 0x100) == 0 or fail('utimensat');
}

my %do = (
  P => sub {
    sysopen(my $was, '.', $enter) or fail('open');
    $name = $_[0];
    sysopen(my $to, $name, $enter) or fail('open');
    push @above, $was;
    chdir($to) or fail('chdir');
  },
  U => sub { my $to = pop @above; if (!$to) { $! = 22; fail('up') } chdir($to) or fail('chdir') },
  X => sub { answer(join '', map { pack('V/a*', packed($_)) } unpack('(C/a*)*', $_[0])) },
  E => sub { my ($path, $from) = unpack('C/a* Q<', $_[0]); answer(extents($path, $from)) },
  A => sub { ($name, my $meta) = unpack('C/a* a*', $_[0]); apply($meta) },
  N => sub {
    ($name, my ($mode, $major, $minor)) = unpack('C/a* V V V', $_[0]);
    my $dev = ($minor & 0xff) | ($major << 8) | (($minor & ~0xff) << 12);
    syscall($mknodat, $here, $name, $mode + 0, $dev + 0) == 0 or fail('mknod');
  },
  H => sub {
    ($name, my ($at, $length)) = unpack('C/a* Q< Q<', $_[0]);
    sysopen(my $f, $name, $read | 1) or fail('open');
    punch($f, $at + 0, $length + 0);
  },
  B => sub { answer('') },
  S => sub { sysopen(my $f, '.', $enter) or fail('open'); syscall($syncfs, fileno($f)) == 0 or fail('syncfs'); answer('') },
);

while (1) {
  while (length($in) >= 5) {
    my ($op, $length) = unpack('a V', $in);
    last if length($in) < 5 + $length;
    my $body = substr($in, 5, $length);
    substr($in, 0, 5 + $length, '');
    $do{$op}->($body);
    flush() if length($out) > 262144;
  }
  flush();
  my $n = sysread(STDIN, $in, 262144, length $in);
  exit 1 unless defined $n;
  exit 0 if $n == 0;
}
`;
