import { Logger } from "@aws-lambda-powertools/logger";
import type { Configuration } from "../../cloud/configuration.ts";

/** Facts of one log line, for queries. Never a token, a signed URL or a key. */
export type LogFields = Record<string, unknown>;

/**
 * What a function logs through. Facts travel with each line and are never kept in the logger: the embedded mode runs
 * many invocations in one process at the same time, and kept ones would leak from one into another.
 */
export interface Log {
  debug(message: string, ...fields: LogFields[]): void;
  info(message: string, ...fields: LogFields[]): void;
  warn(message: string, ...fields: LogFields[]): void;
  error(message: string, ...fields: LogFields[]): void;
}

const levels = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR", silent: "SILENT" } as const;

/**
 * A logger of one JSON object a line, as CloudWatch Logs Insights reads them. Handler files give it to Powertools'
 * `injectLambdaContext` as well, which adds the request id and the function's name.
 */
export function createLogger(service: string, level: Configuration["DROVER_LOG_LEVEL"]): Logger {
  return new Logger({ serviceName: `drover-${service}`, logLevel: levels[level] });
}

/** For callers that want no log, such as tests. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
