import type { LetterStore } from "../../core/dead-letters/letter-store.ts";
import type { ActionStore } from "../../core/dead-letters/redrive.ts";
import { setting } from "../lambda/environment.ts";
import { systemClock } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbLetterActions } from "./letter-actions.ts";
import { dynamoDbLetters } from "./letter-store.ts";

/** The dead letters of the stage. */
export function lettersFromEnvironment(): LetterStore {
  return dynamoDbLetters(documentClient, setting("deadLettersTable"), systemClock);
}

/** What operators did with them. */
export function letterActionsFromEnvironment(): ActionStore {
  return dynamoDbLetterActions(documentClient, setting("deadLettersTable"));
}
