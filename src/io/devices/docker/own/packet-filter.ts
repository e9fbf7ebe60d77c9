/**
 * Rules of the packet filter that belong to an engine of our own: the one that an isolated engine needs, and those
 * that an engine leaves when it ends. All of them name its bridge, so that they can be found again.
 */
import { tool } from './tool.ts';

/** Lets containers with addresses in the range talk to each other, whatever other engines made the kernel drop. */
export async function letTalk(range: string, bridge: string): Promise<void> {
  const rule = ['FORWARD', '-s', range, '-d', range, '-m', 'comment', '--comment', bridge, '-j', 'ACCEPT'];
  const { exitCode } = await tool('iptables', '--wait', '-C', ...rule);
  if (exitCode !== 0) await tool('iptables', '--wait', '-I', ...rule);
}

export async function removeRules(bridges: readonly string[]): Promise<void> {
  for (const program of ['iptables', 'ip6tables'])
    for (const table of ['filter', 'nat']) {
      // A machine may have neither program nor table; then it has no such rules.
      const listing = await tool(program, '--wait', '-t', table, '-S').catch(() => ({ stdout: '' }));
      for (const rule of rulesNaming(listing.stdout, bridges))
        await tool(program, '--wait', '-t', table, '-D', ...rule);
    }
}

/** @returns chain and rule of each that names one of the bridges, ready to be deleted */
export function rulesNaming(listing: string, bridges: readonly string[]): readonly (readonly string[])[] {
  return listing
    .split('\n')
    .map((line) => line.split(' ').map((word) => word.replace(/^"(.*)"$/, '$1')))
    .filter(([command, ...rest]) => command === '-A' && rest.some((word) => bridges.includes(word)))
    .map(([, ...rest]) => rest);
}
