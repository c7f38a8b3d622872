import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Build } from "../../../fleet/build.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { buildIdsOfKey, newBuildId } from "../builds/build-id.ts";
import { requireUploaded, targetsOf } from "../builds/targets.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { build, submission, submissionHeaders } from "../schema/builds.ts";
import { buildView } from "../views/build.ts";
import { jsonOperation } from "./operation.ts";

export const submitBuild = jsonOperation({
  summary: "Submit derivations to be built",
  description:
    "The derivations and their closures must be in the cache. With an `Idempotency-Key`, repeating the request answers with the same build.",
  tag: "builds",
  input: z.object({ headers: submissionHeaders, body: submission }),
  status: 202,
  result: build,
  location: ({ id }) => `/v1/builds/${id}`,
  problems: [415, 422],
  async run(dependencies, { headers, body }, { caller, signal }) {
    const now = dependencies.now();
    const targets = targetsOf(body);
    const key = headers["idempotency-key"];
    const [id, ...olderIds] = key === undefined ? [newBuildId(now)] : buildIdsOfKey(key, caller.name, now);
    const wanted: Build = {
      id,
      submitter: body.submitter ?? caller.name,
      priority: body.priority,
      keepGoing: body.keepGoing,
      targets,
      state: "planning",
      waitingOn: targets.map(({ drvPath }) => storePathHash(drvPath)),
      createdAt: now,
    };
    const uploaded = requireUploaded(dependencies.cache, targets, signal);
    uploaded.catch(() => {}); // What it says is of no account for a build that is known.
    const known = key === undefined ? undefined : await firstKnown(dependencies, [id, ...olderIds]);
    if (known === undefined) await uploaded;
    const created = known ?? (await createOrJoin(dependencies, wanted));
    if (created !== wanted) refuseOther(created, wanted);
    // Again for a known build: whoever created it may have failed before it came to this.
    if (created.state === "planning") await dependencies.plans.send({ build: created.id });
    return buildView(created);
  },
});

async function firstKnown({ builds }: ApiDependencies, ids: readonly string[]): Promise<Build | undefined> {
  const found = await Promise.all(ids.map((id) => builds.get(id)));
  return found.find((build) => build !== undefined);
}

/** Two submissions with one key can come at the same moment; the second gets what the first has created. */
async function createOrJoin({ builds }: ApiDependencies, wanted: Build): Promise<Build> {
  try {
    await builds.create(wanted);
    return wanted;
  } catch (error) {
    const exists = error instanceof DroverError && error.code === "DROVER_BUILD_EXISTS";
    const known = exists ? await builds.get(wanted.id) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

/** What a client says of a build. */
function asked({ submitter, priority, keepGoing, targets }: Build): Partial<Build> {
  return { submitter, priority, keepGoing, targets };
}

function refuseOther(known: Build, wanted: Build): void {
  if (isDeepStrictEqual(asked(known), asked(wanted))) return;
  throw new DroverError(
    "DROVER_IDEMPOTENCY_KEY_REUSED",
    `The idempotency key belongs to ${known.id}, which asks for something else.`,
    { subject: known.id, remedy: "Use a new key for each build, and the same key only to repeat a request." },
  );
}
