/** Nix gives lines that name no system the system of the machine on which they are read: this one. */
export function ownSystem(platform: NodeJS.Platform, architecture: NodeJS.Architecture): string | undefined {
  const processors: Partial<Record<NodeJS.Architecture, string>> = {
    x64: "x86_64",
    arm64: "aarch64",
    ia32: "i686",
    riscv64: "riscv64",
  };
  const processor = processors[architecture];
  const known = processor !== undefined && (platform === "linux" || platform === "darwin");
  return known ? `${processor}-${platform}` : undefined;
}
