/** Strings on Nix's wire are followed by zero bytes up to a multiple of 8; this is how many (0 to 7). */
export function paddingOf(length: number): number {
  return (8 - (length % 8)) % 8;
}
