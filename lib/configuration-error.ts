/** Something the deployer can put right: settings, or numbers that do not go together. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
