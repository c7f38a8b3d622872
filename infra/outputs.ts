import { CfnOutput } from "aws-cdk-lib";
import type * as gateway from "aws-cdk-lib/aws-apigatewayv2";
import type * as s3 from "aws-cdk-lib/aws-s3";
import type * as sns from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import type { PublicKeys } from "./make-keys.ts";

export interface Pasted {
  readonly deployment: string;
  readonly api: gateway.HttpApi;
  readonly blobs: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly keys: PublicKeys;
}

/** What a person pastes after the deployment. No secret is among it. */
export function createOutputs(scope: Construct, { deployment, api, blobs, topic, keys }: Pasted): void {
  const output = (name: string, value: string, description: string) => {
    new CfnOutput(scope, name, { value, description });
  };
  output("ApiUrl", api.apiEndpoint, "DROVER_URL of the command line");
  output(
    "FirstToken",
    `drover tokens first --deployment ${deployment} --url ${api.apiEndpoint}`,
    "Run it with AWS credentials: makes the first token, good for everything, and writes it into your profile",
  );
  output("Substituter", `${api.apiEndpoint}/cache`, "For extra-substituters in nix.conf");
  output("CachePublicKey", keys.cachePublicKey, "For extra-trusted-public-keys in nix.conf");
  output("SshPublicKey", keys.sshPublicKey, "For authorized_keys of the machines' users");
  output("BlobBucket", blobs.bucketName, "Holds the binary cache and the logs; stays when the stack is deleted");
  output("AlarmTopic", topic.topicArn, "Subscribe here to hear of alarms");
}
