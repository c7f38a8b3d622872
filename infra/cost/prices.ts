/** A price of AWS's, without volume discounts. */
export interface Price {
  /** USD for one unit. */
  readonly usd: number;
  readonly unit: string;
  /** How many units of a month cost nothing, in every account and for ever; other uses of the account take from them, too. */
  readonly free?: number;
  readonly page: string;
}

/** Where the prices hold; few regions are cheaper, most are dearer by 5 to 30 %. */
export const priceRegion = "us-east-1";

/** When they were written down. AWS publishes no date with a price. */
export const pricesAsOf = "2026-11-22";

const page = (path: string) => `https://aws.amazon.com/${path}/pricing/`;
const million = (usd: number) => usd / 1_000_000;

/** All that Drover pays for, and what it would pay for if somebody added it. */
export const prices = {
  fargateCpu: { usd: 0.03238, unit: "ARM vCPU hours", page: page("fargate") },
  fargateMemory: { usd: 0.00356, unit: "ARM GB hours", page: page("fargate") },
  publicIpv4: { usd: 0.005, unit: "address hours", page: page("vpc") },
  natGateway: { usd: 0.045, unit: "gateway hours", page: page("vpc") },
  interfaceEndpoint: { usd: 0.01, unit: "endpoint hours", page: page("privatelink") },
  loadBalancer: { usd: 0.0225, unit: "balancer hours", page: page("elasticloadbalancing") },
  secret: { usd: 0.4, unit: "secrets", page: page("secrets-manager") },
  secretReads: { usd: 0.05 / 10_000, unit: "reads", page: page("secrets-manager") },
  alarmMetric: { usd: 0.1, unit: "metrics in alarms", free: 10, page: page("cloudwatch") },
  customMetric: { usd: 0.3, unit: "custom metrics", free: 10, page: page("cloudwatch") },
  dashboard: { usd: 3, unit: "dashboards", free: 3, page: page("cloudwatch") },
  /** One with more than 50 metrics. */
  largeDashboard: { usd: 3, unit: "dashboards", page: page("cloudwatch") },
  logs: { usd: 0.5, unit: "GB of logs", free: 5, page: page("cloudwatch") },
  queueRequests: { usd: million(0.4), unit: "requests", free: 1_000_000, page: page("sqs") },
  fifoQueueRequests: { usd: million(0.5), unit: "requests", page: page("sqs") },
  invocations: { usd: million(0.2), unit: "invocations", free: 1_000_000, page: page("lambda") },
  invocationTime: { usd: 0.0000133334, unit: "ARM GB seconds", free: 400_000, page: page("lambda") },
  apiRequests: { usd: million(1), unit: "requests", page: page("api-gateway") },
  tableWrites: { usd: million(0.625), unit: "write units", page: page("dynamodb") },
  tableReads: { usd: million(0.125), unit: "read units", page: page("dynamodb") },
  tableStorage: { usd: 0.25, unit: "GB months", free: 25, page: page("dynamodb") },
  tableRecovery: { usd: 0.2, unit: "GB months", page: page("dynamodb") },
  bucketWrites: { usd: 0.005 / 1000, unit: "PUT and LIST requests", page: page("s3") },
  bucketReads: { usd: 0.0004 / 1000, unit: "GET and HEAD requests", page: page("s3") },
  bucketStorage: { usd: 0.023, unit: "GB months", page: page("s3") },
  imageStorage: { usd: 0.1, unit: "GB months", page: page("ecr") },
  trafficOut: { usd: 0.09, unit: "GB", free: 100, page: "https://aws.amazon.com/ec2/pricing/on-demand/" },
} as const satisfies Record<string, Price>;

export type Priced = keyof typeof prices;
