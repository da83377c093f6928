import { Logger } from "@aws-lambda-powertools/logger";

/** JSON lines; handlers append the trace id so that it stands on each. */
export const logger = new Logger();
