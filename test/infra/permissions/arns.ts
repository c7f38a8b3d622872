/** The account and region in which all of this is imagined to run. */
export const account = "123456789012";
export const region = "eu-central-1";

export const tableArn = (name: string): string => `arn:aws:dynamodb:${region}:${account}:table/${name}`;
export const queueArn = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`;
/** Of the one bucket of a template, whose name CloudFormation makes up. */
export const bucketArn = "arn:aws:s3:::drover-blobs";
export const objectArn = (key: string): string => `${bucketArn}/${key}`;

/** Secrets Manager adds a dash and six characters of its own to the name (Secrets Manager user guide, "Secret ARN"). */
export const secretArn = (name: string): string => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-a1B2c3`;
