import { glob, readFile } from "node:fs/promises";

/**
 * Whether an ssh_config says the same of all hosts, so that ssh need not be asked about each. Errs on the side of asking:
 * false also for what is not understood here.
 *
 * @param files read in turn; those that they include are looked at as well
 */
export async function saysTheSameOfAllHosts(files: readonly string[]): Promise<boolean> {
  const seen = new Set<string>();
  const pending = [...files];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    // An endless circle is ssh's affair.
    if (seen.has(file)) return false;
    seen.add(file);
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) return false;
    for (const line of text.split("\n")) {
      const words = line.trim().split(/[\s=]+/);
      const [keyword = "", ...values] = words;
      if (keyword === "" || keyword.startsWith("#")) continue;
      // Tokens stand for the host; quotes and canonical names are more than this can follow.
      if (/["'%]|^canonical/i.test(line.trim())) return false;
      if (/^host$/i.test(keyword) && values.some((pattern) => pattern !== "*")) return false;
      if (/^match$/i.test(keyword) && values.join(" ").toLowerCase() !== "all") return false;
      if (!/^include$/i.test(keyword)) continue;
      if (values.some((pattern) => !pattern.startsWith("/"))) return false;
      for await (const included of glob(values)) pending.push(included);
    }
  }
  return true;
}
