import { afterAll, beforeAll, expect, it } from "vitest";
import { startS3 } from "../cloud/blobs/s3-server.ts";
import { startSecretsManager } from "../cloud/secrets/secrets-manager-server.ts";
import { grants, notAllowed, printGrant, unused } from "../infra/permissions/judging.ts";
import type { RecordedCall } from "../infra/permissions/recorded-call.ts";
import { reviewedPolicies } from "../infra/permissions/reviewed-policies.ts";
import { startStack } from "./stack.ts";
import { useEverything } from "./whole-product.ts";

const opened = new AsyncDisposableStack();
let calls: readonly RecordedCall[];
beforeAll(async () => {
  const s3 = opened.use(await startS3());
  const secretsManager = opened.use(await startSecretsManager());
  const stack = opened.use(
    await startStack({
      unregistered: true,
      machines: [
        { name: "itchy", maxJobs: 2, speedFactor: 2 },
        { name: "scratchy", maxJobs: 2 },
      ],
      blobs: s3,
      settings: {
        DROVER_SECRETS: "secretsmanager://drover",
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: "drover",
        AWS_SECRET_ACCESS_KEY: "drover",
      },
    }),
  );
  await useEverything(stack, secretsManager.secrets);
  calls = await stack.deployment.awsCalls();
}, 180_000);
afterAll(() => opened.disposeAsync());

const policies = await reviewedPolicies();

/** Grants that nothing here uses, as `role action resource`, and why they are there all the same. */
const explained: readonly (readonly [grants: RegExp, reason: string])[] = [
  [
    /^drover-\S+ logs:(CreateLogStream|PutLogEvents) \S+:log-group:\/drover\/drover\/[a-z-]+:\*$/,
    "Lambda and ECS write down in the role's name what a part prints; no code of ours calls CloudWatch Logs.",
  ],
  [
    /^drover-(plan|schedule) sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes) \S+:drover-(plans|fleet-events)$/,
    "Lambda's event source mapping polls in the function's name; here local/triggers/ does that, in nobody's name.",
  ],
  [
    /^drover-plan sqs:SendMessage \S+:drover-plans$/,
    "A walk that runs out of the function's time hands over to a next invocation, which takes minutes of walking.",
  ],
  [
    /^drover-runner s3:PutObject \S+\/nix-cache-info$/,
    "Whoever publishes first writes it: here api, for the uploads. The runner does where the owner has deleted it.",
  ],
  [
    /^drover-runner s3:AbortMultipartUpload \S+\/(nar|log)\/\*$/,
    "What has gone up of a stream that breaks is cleared away; test/cloud/blobs/s3.test.ts breaks streams.",
  ],
  [
    /^drover-runner (s3:(Get|Put)Object \S+\/runner\/current\.json|ecs:UpdateTaskProtection \S+:task\/drover\/\*)$/,
    "Only in ECS a runner protects itself and says which version works; test/runner/upgrade stands in for ECS's agent.",
  ],
  [
    /^drover-make-keys secretsmanager:(Get|Put)SecretValue \S+:secret:drover\/(signing-key|ssh-identity)-a1B2c3$/,
    "It makes the keys when the stack is deployed; test/lambdas/make-keys has it read and write both.",
  ],
  [
    /^drover-runner-start ecr:(BatchCheckLayerAvailability|BatchGetImage|GetDownloadUrlForLayer) \S+:repository\/cdk-/,
    "ECS itself fetches the image, before there is a runner.",
  ],
  [/^drover-runner-start ecr:GetAuthorizationToken \*$/, "ECS itself logs in to the registry to fetch the image."],
];

/** What may be done to every resource, and why it can not be said of which. */
const everywhere: Readonly<Record<string, string>> = {
  "drover-runner-start ecr:GetAuthorizationToken *":
    "It is of the registry as a whole: IAM knows no resource for it (Service Authorization Reference, Amazon ECR).",
};

it("whatever a part calls, its role allows", () => {
  const callers = ["api", "authorize", "plan", "schedule", "sweep", "runner"].map((name) => `drover-${name}`);
  expect(new Set(calls.flatMap(({ caller }) => caller ?? []))).toEqual(new Set(callers));
  expect(notAllowed(policies, calls).map(printGrant)).toEqual([]);
});

it("whatever a role allows, its part calls, or there is a reason", () => {
  const left = unused(policies, calls).map(printGrant);
  expect(left.filter((grant) => !explained.some(([pattern]) => pattern.test(grant)))).toEqual([]);
});

it("there are reasons for grants only that there are", () => {
  const all = grants(policies).map(printGrant);
  expect(explained.filter(([pattern]) => !all.some((grant) => pattern.test(grant)))).toEqual([]);
});

it("nothing is allowed on every resource of a kind, or there is a reason", () => {
  // An ARN's sixth field is the resource.
  const wide = grants(policies).filter(({ resource }) => /^(\*|([^:]*:){5}\*)/.test(resource));
  expect(wide.map(printGrant)).toEqual(Object.keys(everywhere));
});
