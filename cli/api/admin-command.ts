import {
  type Command,
  type CommandSpec,
  command,
  type ExitCode,
  exitCodes,
  type Io,
  type OptionSpecs,
  type ValuesOf,
} from "../program/command.ts";
import { asJson, oneLine } from "../text.ts";
import type { Api } from "./api-client.ts";
import { connectFor } from "./connect.ts";
import { connectionOptions, readConnection } from "./connection.ts";

export interface Answer {
  /** For people. */
  readonly lines: readonly string[];
  /** For programs. */
  readonly raw: unknown;
  /** Default: yes. */
  readonly exitCode?: ExitCode;
  /** What one may want to ask next. */
  readonly hint?: string;
  /** It was shown already. */
  readonly shown?: boolean;
}

export interface AdminIo extends Pick<Io, "note" | "clear" | "untilStopped"> {
  readonly baseUrl: string;
  /** Prints an answer before the last. */
  readonly show: (answer: Answer) => void;
}

interface AdminCommandSpec<Specs extends OptionSpecs> extends Omit<CommandSpec<Specs>, "read"> {
  /** Reads what is asked; what it returns asks it. @throws UsageError */
  readonly read: (given: {
    readonly words: readonly string[];
    readonly values: ValuesOf<Specs>;
  }) => (api: Api, io: AdminIo) => Promise<Answer>;
}

const jsonOption = {
  json: { type: "boolean", text: "print the answer for programs" },
} as const satisfies OptionSpecs;

/** A command that asks as an admin, the embedded cloud or a deployed stage. */
export function adminCommand<const Specs extends OptionSpecs>(
  spec: AdminCommandSpec<Specs>,
): Command {
  const { name } = spec;
  return command({
    ...spec,
    options: { ...spec.options, ...jsonOption, ...connectionOptions },
    read({ words, values, env }) {
      const ask = spec.read({ words, values: values as ValuesOf<Specs> });
      const connection = readConnection(name.replaceAll(" ", "-"), values, env);
      return async (io) => {
        const api = await connectFor(connection, io);
        const show = ({ raw, lines }: Answer) =>
          io.print(values.json ? asJson(raw) : lines.map(oneLine).join("\n"));
        const clear = values.json ? () => {} : io.clear;
        const answer = await ask(api, { ...io, clear, show, baseUrl: connection.baseUrl });
        if (!answer.shown) show(answer);
        if (answer.hint !== undefined) io.note(answer.hint);
        return answer.exitCode ?? exitCodes.yes;
      };
    },
  });
}
