/** Whose a network is: its name alone says nothing, because anybody may have made one of that name. Pure. */
import { IoError } from '../error.ts';
import type { NetworkCreateOptions } from 'dockerode';
import type { LabelFilter, NetworkSpec } from './port.ts';

/** Whether it carries all the wanted labels; it may have others. */
export const hasLabels = (labels: Readonly<Record<string, string>> | null | undefined, wanted: LabelFilter): boolean =>
  Object.entries(wanted).every(([key, value]) =>
    value === null ? labels?.[key] !== undefined : labels?.[key] === value,
  );

/** The same in the engine's words. */
export const labelFilters = (wanted: LabelFilter): { label: string[] } => ({
  label: Object.entries(wanted).map(([key, value]) => (value === null ? key : `${key}=${value}`)),
});

export const networkInUse = (name: string): IoError =>
  new IoError('NAME_IN_USE', {
    op: 'docker network create',
    target: name,
    message: `a network named ${name} exists on this machine already and belongs to something else`,
    hint: `"docker network inspect ${name}" shows what uses it. If it is not needed: "docker network rm ${name}"; else give the app another name.`,
  });

/** What the engine wants to hear to make one. */
export function networkBody({ name, labels, notes, settings = {} }: NetworkSpec): NetworkCreateOptions {
  const { driver = 'bridge', options, internal, ipv6, subnets } = settings;
  return {
    Name: name,
    Driver: driver,
    CheckDuplicate: true,
    Labels: { ...settings.labels, ...notes, ...labels },
    ...(options && { Options: { ...options } }),
    ...(internal !== undefined && { Internal: internal }),
    ...(ipv6 !== undefined && { EnableIPv6: ipv6 }),
    ...(subnets && {
      IPAM: {
        Driver: 'default',
        Config: subnets.map(({ subnet, range, gateway, reserved }) => ({
          Subnet: subnet,
          ...(range !== undefined && { IPRange: range }),
          ...(gateway !== undefined && { Gateway: gateway }),
          ...(reserved && { AuxiliaryAddresses: { ...reserved } }),
        })),
      },
    }),
  };
}
