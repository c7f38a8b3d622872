/** A version of the serve protocol as it travels: `major << 8 | minor`. */
export type ServeVersion = number;

/** What Nix 2.35 speaks: the newest that this client knows. Nix 2.3 speaks 2.5, 2.4 to 2.34 speak 2.7. */
export const NEWEST_SERVE_VERSION: ServeVersion = 0x208;

/** `AddToStoreNar` came with 2.5; nobody speaks less today. */
export const OLDEST_SERVE_VERSION: ServeVersion = 0x205;

export function formatServeVersion(version: ServeVersion): string {
  return `${version >> 8}.${version & 0xff}`;
}
