import { createHmac } from "node:crypto";

/**
 * Whether a line of known_hosts with these hosts is about one that has one of the names (sshd(8), "SSH_KNOWN_HOSTS
 * FILE FORMAT"): patterns with commas between, of which one with a ! excludes a host, or one hashed name.
 *
 * @param names of the host: `host`, and `[host]:port` where the port is not 22
 */
export function isAboutHost(hosts: string, names: readonly string[]): boolean {
  const [, algorithm, salt, hash] = hosts.split("|");
  if (hosts.startsWith("|")) {
    return algorithm === "1" && names.some((name) => hashedName(name, salt ?? "") === hash);
  }
  const lowered = names.map((name) => name.toLowerCase());
  const isNamedBy = (pattern: string): boolean => lowered.some((name) => matchesPattern(name, pattern));
  const patterns = hosts.toLowerCase().split(",");
  const excluded = patterns.some((pattern) => pattern.startsWith("!") && isNamedBy(pattern.slice(1)));
  return !excluded && patterns.some(isNamedBy);
}

function hashedName(name: string, salt: string): string {
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name.toLowerCase()).digest("base64");
}

/** `*` is any text, `?` any character. Going back only as far as the last * keeps it from taking exponential time. */
function matchesPattern(name: string, pattern: string): boolean {
  let [at, seen, star, resume] = [0, 0, -1, 0];
  while (at < name.length) {
    if (seen < pattern.length && (pattern[seen] === "?" || pattern[seen] === name[at]) && pattern[seen] !== "*") {
      at++;
      seen++;
    } else if (pattern[seen] === "*") {
      star = seen++;
      resume = at;
    } else if (star >= 0) {
      seen = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[seen] === "*") seen++;
  return seen === pattern.length;
}
