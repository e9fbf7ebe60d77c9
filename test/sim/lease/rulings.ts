/** What the simulated group decides about leases: entries of its log. */
import { packCommand, unpackCommand } from '#io/world/consensus/registers.ts';

export interface Ruling {
  /** `fence`: the node is dead to the lab, and comes back by `allow`. `lengthen`, `shorten`: it may have long leases, or not. */
  readonly do: 'fence' | 'allow' | 'lengthen' | 'shorten';
  readonly node: string;
}

const client = 'rulings';

/** To the registers of the group it is a command of a session that nobody opened: it changes nothing there. */
export const packRuling = (ruling: Ruling): Uint8Array =>
  packCommand({ do: 'write', client, session: 0, sequence: 1, key: ruling.node, value: ruling.do });

/** @returns undefined for an entry that is none */
export function unpackRuling(data: Uint8Array): Ruling | undefined {
  const command = unpackCommand(data);
  if (command.client !== client || command.do !== 'write') return undefined;
  return { do: command.value as Ruling['do'], node: command.key };
}
