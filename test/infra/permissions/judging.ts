import { covers, isAllowed } from "./matching.ts";
import type { RecordedCall } from "./recorded-call.ts";
import { type Permission, requiredPermissions } from "./required-permissions.ts";
import type { RolePolicies } from "./role-policies.ts";

/** An action on a resource, possibly with wildcards, that somebody's role has. */
export interface Grant extends Permission {
  readonly role: string;
}

/** As one line, for reports and for tables of reasons: `drover-api s3:GetObject arn:…`. */
export const printGrant = ({ role, action, resource }: Grant): string => `${role} ${action} ${resource}`;

/** What was called although the caller's role does not allow it. In an account each of these would have failed. */
export function notAllowed(policies: RolePolicies, calls: readonly RecordedCall[]): Grant[] {
  return usedBy(calls).filter(({ role, ...permission }) => !isAllowed(policies.get(role) ?? [], permission));
}

/** @throws Error that lists what is not allowed */
export function assertAllowed(policies: RolePolicies, calls: readonly RecordedCall[]): void {
  const failing = notAllowed(policies, calls).map(printGrant);
  if (failing.length === 0) return;
  throw new Error(`In an account these calls would be denied (infra/permissions.ts):\n${failing.join("\n")}`);
}

/** What roles have and nobody used. */
export function unused(policies: RolePolicies, calls: readonly RecordedCall[]): Grant[] {
  const used = Map.groupBy(usedBy(calls), ({ role }) => role);
  return grants(policies).filter((grant) => !(used.get(grant.role) ?? []).some((each) => covers(grant, each)));
}

export function grants(policies: RolePolicies): Grant[] {
  return [...policies].flatMap(([role, statements]) =>
    statements
      .filter(({ effect }) => effect === "Allow")
      .flatMap(({ actions, resources }) =>
        actions.flatMap((action) => resources.map((resource) => ({ role, action, resource }))),
      ),
  );
}

/**
 * Calls without a caller are those of the embedded mode itself, from the same process as the functions': it makes
 * tables and queues, and stands in for Lambda's event source mappings.
 *
 * @throws Error when the runner's process has such a call, since nobody would judge it
 */
function usedBy(calls: readonly RecordedCall[]): Grant[] {
  const all = calls.flatMap((call) => {
    if (call.caller !== null) return requiredPermissions(call).map((each) => ({ role: call.caller ?? "", ...each }));
    if (call.program !== "up.ts") throw new Error(`${call.program} does not say who calls ${call.operation}`);
    return [];
  });
  return [...new Map(all.map((each) => [printGrant(each), each])).values()];
}
