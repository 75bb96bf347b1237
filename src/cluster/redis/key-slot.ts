/** Into so many slots a Redis Cluster divides all keys and channels. */
export const SLOTS = 16_384;

/** CRC16 of XMODEM, as https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ gives it. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** The slot of a key or a channel. What stands in the first braces alone counts, unless nothing does. */
export function slotOf(name: string): number {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  let crc = 0;
  for (const byte of Buffer.from(close > open + 1 ? name.slice(open + 1, close) : name))
    crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ byte]!;
  return crc % SLOTS;
}
