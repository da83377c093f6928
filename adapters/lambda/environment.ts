import { environment } from "../../core/contracts/environment.ts";

/**
 * A setting the stack gave this function.
 * @throws at start, by name, when it is missing: half-configured functions must not run.
 */
export function setting(name: keyof typeof environment): string {
  const variable = environment[name];
  const value = process.env[variable];
  if (value === undefined || value === "") {
    throw new Error(`environment variable ${variable} is missing; the stack sets it (lib/)`);
  }
  return value;
}

/** The same, where only a whole number will do. */
export function numberSetting(name: keyof typeof environment): number {
  const text = setting(name);
  if (!/^\d+$/.test(text)) {
    throw new Error(`environment variable ${environment[name]} is not a whole number: ${text}`);
  }
  return Number(text);
}
