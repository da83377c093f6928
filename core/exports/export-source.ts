import type * as z from "zod";
import type { jobTypes } from "../contracts/job-types.ts";
import type { Column, ExportRow } from "./export-rows.ts";

export type ExportPayload = z.output<(typeof jobTypes)["export.engagements"]["payload"]>;

export interface ExportPage {
  readonly rows: readonly ExportRow[];
  /** Where the next page begins; none: this was the last. */
  readonly cursor: string | undefined;
  /** 0 to 100, as far as it is known. */
  readonly percent: number;
}

/** What is exported, page by page; the same cursor leads to the same page while nothing changes. */
export interface ExportSource {
  readonly columns: readonly Column[];
  page(payload: ExportPayload, cursor: string | undefined): Promise<ExportPage>;
}
