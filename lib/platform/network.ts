/**
 * Returns the network that an address is counted by: the IPv4 address itself, or the /64 prefix of an IPv6 address, since a single
 * host may use any number of addresses in its prefix (RFC 4291, section 2.5.1).
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [unzoned = ''] = address.split('%')
  const host = `http://[${unzoned}]`
  if (!URL.canParse(host)) return address
  // The URL parser normalises every spelling of an address (RFC 5952).
  const [head = '', tail] = new URL(host).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}
