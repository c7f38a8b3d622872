import type { Permission } from "./required-permissions.ts";

/** One statement of a role's policy, with ARNs in full. */
export interface Statement {
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/**
 * IAM's evaluation of a role's own policies (IAM user guide, "Policy evaluation logic"): a statement has to allow, and
 * none may deny.
 */
export function isAllowed(statements: readonly Statement[], permission: Permission): boolean {
  const applying = statements.filter(({ actions, resources }) =>
    actions.some((action) => resources.some((resource) => covers({ action, resource }, permission))),
  );
  return applying.length > 0 && applying.every(({ effect }) => effect === "Allow");
}

/** Whether what is granted, possibly with wildcards, contains what is required. */
export function covers(granted: Permission, required: Permission): boolean {
  return (
    wildcards(granted.action.toLowerCase()).test(required.action.toLowerCase()) &&
    wildcards(granted.resource).test(required.resource)
  );
}

/** `*` stands for any characters, also none, `:` and `/` among them; `?` for one. */
function wildcards(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
