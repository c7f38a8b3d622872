/** The types that Nix's own binary caches use (libstore/binary-cache-store.cc). */
export const contentTypes = {
  cacheInfo: "text/x-nix-cache-info",
  narInfo: "text/x-nix-narinfo",
  nar: "application/x-nix-nar",
  log: "text/plain; charset=utf-8",
} as const;

/** The type of a blob whose type was not written down beside it; what `put` is told for such keys. */
export function contentTypeOf(key: string): string {
  if (key === "nix-cache-info") return contentTypes.cacheInfo;
  if (key.endsWith(".narinfo")) return contentTypes.narInfo;
  if (key.startsWith("nar/")) return contentTypes.nar;
  if (key.startsWith("log/") || key.startsWith("live/")) return contentTypes.log;
  return "application/octet-stream";
}
