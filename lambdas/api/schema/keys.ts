import * as z from "zod";

/** The public halves of the deployment's keys. */
export const keys = z
  .object({
    sshPublicKey: z.string().meta({ description: "Of the identity with which the runner logs in to machines" }),
    sshFingerprint: z.string().meta({ description: "As `ssh-keygen -l` prints it" }),
    authorizedKeysLine: z.string().meta({
      description: "For ~/.ssh/authorized_keys on a machine; it allows Nix's serve protocol and nothing else",
      examples: ['restrict,command="nix-store --serve --write" ssh-ed25519 AAAA… drover'],
    }),
    cachePublicKey: z.string().meta({ description: "For trusted-public-keys in nix.conf" }),
  })
  .meta({ id: "Keys" });
export type Keys = z.output<typeof keys>;
