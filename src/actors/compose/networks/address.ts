/** Addresses of networks: what is one, and what to write instead. */
import type { Form } from '../container/lists.ts';

const isIpv4 = (text: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);

/** As `URL` takes it. */
const isIpv6 = (text: string): boolean =>
  /^[0-9a-f:.]{2,45}$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]`);

export const isAddress = (text: string): boolean => isIpv4(text) || isIpv6(text);

/** An address and how many of its bits name the network. */
function isSubnet(text: string): boolean {
  const found = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const [, start = '', bits] = found ?? [];
  return isIpv4(start) ? Number(bits) <= 32 : isIpv6(start) && Number(bits) <= 128;
}

export const address: Form = { what: 'an address', hint: 'Write for example 192.168.1.1 or fd00::1.', fits: isAddress };
export const ipv4: Form = { what: 'an IPv4 address', hint: 'Write for example 172.28.0.5.', fits: isIpv4 };
export const ipv6: Form = { what: 'an IPv6 address', hint: 'Write for example fd00::5.', fits: isIpv6 };
export const subnet: Form = { what: 'a subnet', hint: 'Write for example 172.28.0.0/16 or fd00::/64.', fits: isSubnet };
export const mac: Form = {
  what: 'a MAC address',
  hint: 'Write six pairs of digits: "02:42:ac:11:00:05".',
  // The lowest bit of the first pair would address a group.
  fits: (text) => /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/i.test(text),
};
