/** Networks of an app and of its services, as keys of a compose file again. */
import type { EndpointSettings, NetworkSettings, Subnet } from '#events/values/network-settings.ts';
import type { Plain } from '../edit/value.ts';

type Fields = Readonly<Record<string, Plain>>;

/** Without what is undefined. */
const given = (fields: Readonly<Record<string, Plain | undefined>>): Fields =>
  Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

export const networkFields = (settings: NetworkSettings): Fields =>
  given({
    name: settings.name,
    external: settings.external,
    driver: settings.driver,
    driver_opts: settings.options,
    internal: settings.internal,
    enable_ipv6: settings.ipv6,
    labels: settings.labels,
    ipam: settings.subnets && { config: settings.subnets.map(subnetFields) },
  });

const subnetFields = ({ subnet, range, gateway, reserved }: Subnet): Fields =>
  given({ subnet, ip_range: range, gateway, aux_addresses: reserved });

/** @param networks in the order in which the container is put into them, which its priorities say where names do not */
export function takenNetworkFields(networks: Readonly<Record<string, EndpointSettings>>): Fields {
  const keys = Object.keys(networks);
  const isByName = keys.every((key, n) => n === 0 || (keys[n - 1] ?? '') < key);
  return Object.fromEntries(
    Object.entries(networks).map(([key, endpoint], n) => [
      key,
      given({
        aliases: endpoint.aliases,
        ipv4_address: endpoint.ipv4,
        ipv6_address: endpoint.ipv6,
        link_local_ips: endpoint.linkLocal,
        mac_address: endpoint.mac,
        driver_opts: endpoint.options,
        priority: isByName ? undefined : keys.length - n,
      }),
    ]),
  );
}
