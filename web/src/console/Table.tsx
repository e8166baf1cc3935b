import type { ComponentProps, ReactNode } from "react";

import { Button } from "../ui/Button.tsx";
import { useMedia, WIDE } from "../ui/useMedia.ts";

export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand at the right, with digits of one width. */
  number?: boolean;
  /** Left out between phone and desktop; cards on a phone show all. */
  wideOnly?: boolean;
  /** A class for its width, where tables that follow each other shall be alike. */
  width?: string;
}

interface TableProps<T> {
  /** What the table lists, for who cannot see it. */
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  id: (row: T) => string;
  /** Buttons at the end of a row. */
  actions?: (row: T) => ReactNode;
}

/** Rows as a table where there is room, as cards on a phone: nothing is cut off on either. */
export function Table<T>(props: TableProps<T>) {
  return useMedia(WIDE) ? <Grid {...props} /> : <Cards {...props} />;
}

function Grid<T>({ label, rows, columns, id, actions }: TableProps<T>) {
  const look = (column: Column<T>) =>
    `${column.number ? "text-right tabular-nums" : "text-left"} ${column.wideOnly ? "hidden xl:table-cell" : ""} ${column.width ?? ""}`;
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table aria-label={label} className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line bg-raised/60 text-xs text-muted">
            {columns.map((column) => (
              <th
                key={column.head}
                scope="col"
                className={`px-3 py-2 font-medium whitespace-nowrap ${look(column)}`}
              >
                {column.head}
              </th>
            ))}
            {actions && (
              <th scope="col" className="px-3 py-2 text-right font-medium">
                <span className="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)} className="border-b border-line/60 last:border-0 hover:bg-raised/50">
              {columns.map((column) => (
                <td
                  key={column.head}
                  className={`px-3 py-1.5 align-middle break-words ${look(column)}`}
                >
                  {column.cell(row)}
                </td>
              ))}
              {actions && (
                <td className="px-2 py-1 text-right whitespace-nowrap">{actions(row)}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards<T>({ label, rows, columns, id, actions }: TableProps<T>) {
  const [first, ...others] = columns;
  return (
    <ul aria-label={label} className="grid gap-2">
      {rows.map((row) => (
        <li key={id(row)} className="rounded-lg border border-line bg-surface p-3 text-sm">
          <div className="mb-1.5 font-medium break-words">{first?.cell(row)}</div>
          <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5">
            {others.map((column) => (
              <div key={column.head} className="col-span-2 grid grid-cols-subgrid">
                <dt className="text-muted">{column.head}</dt>
                <dd className="min-w-0 break-words tabular-nums">{column.cell(row)}</dd>
              </div>
            ))}
          </dl>
          {actions && <div className="mt-2 flex flex-wrap gap-1">{actions(row)}</div>}
        </li>
      ))}
    </ul>
  );
}

/** A small button of a row. */
export function RowButton(props: ComponentProps<typeof Button>) {
  return (
    <Button tone="quiet" {...props} className="min-h-8! px-2.5! max-md:border max-md:border-line" />
  );
}
