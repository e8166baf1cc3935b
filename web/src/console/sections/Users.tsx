import { UserPlus } from "lucide-react";
import { useState } from "react";

import { Badge } from "../../ui/Badge.tsx";
import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { AccountDialog, type AccountTask } from "../accounts.tsx";
import { withQuery } from "../api.ts";
import { ListFrame, Toolbar } from "../ListFrame.tsx";
import { linkTo } from "../route.ts";
import { useMay } from "../session.ts";
import type { Account, Role } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { RowButton, Table, type Column } from "../Table.tsx";
import { useAnswer, useList } from "../useList.ts";

/** The users that sign in here: their roles, passwords, and whether they may. */
export function Users(_: SectionProps) {
  if (!useMay("admin")) {
    return (
      <Banner tone="warn">
        Users are shown to administrators only: this needs the permission admin, which your token
        does not carry.
      </Banner>
    );
  }
  return <AllUsers />;
}

function AllUsers() {
  const [search, setSearch] = useState("");
  const [task, setTask] = useState<AccountTask | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const list = useList<Account>(withQuery("/api/v1/users", { limit: 200 }));
  const roles = useAnswer<Role[]>("/api/v1/roles");
  const rows = filterAccounts(list.rows, search);
  const finished = (words: string) => {
    setTask(null);
    setDone(words);
    list.reload();
  };
  const actions = (of: Account) => (
    <>
      {TASKS.map(([what, verb]) => (
        <RowButton
          key={what}
          onClick={() => setTask({ what, of })}
          aria-label={`${verb}: ${of.name}`}
        >
          {what === "disable" && of.disabled ? "Enable" : verb}
        </RowButton>
      ))}
    </>
  );
  return (
    <>
      <Toolbar
        label="Filter by name, role, permission"
        search={search}
        onSearch={setSearch}
        reload={list.reload}
      >
        <Button tone="primary" onClick={() => setTask({ what: "create" })}>
          <UserPlus size={16} aria-hidden />
          Add a user
        </Button>
      </Toolbar>
      {done && <Banner tone="good">{done}</Banner>}
      {search && list.more && (
        <Banner>
          The filter looks through the users that are loaded. Load more for the others.
        </Banner>
      )}
      <ListFrame
        list={{ ...list, rows }}
        empty={search ? "No user fits the filter" : "There are no own users"}
      >
        <Table
          label="Users"
          rows={rows}
          columns={COLUMNS}
          id={({ name }) => name}
          actions={actions}
        />
      </ListFrame>
      {task && (
        <AccountDialog
          task={task}
          roles={roles.value ?? []}
          close={() => setTask(null)}
          done={finished}
        />
      )}
    </>
  );
}

export function filterAccounts(accounts: readonly Account[], search: string): Account[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return accounts.filter((account) => {
    const text = [
      account.name,
      ...account.roles,
      ...account.permissions,
      account.disabled ? "disabled" : "",
    ];
    return words.every((word) => text.join(" ").toLowerCase().includes(word));
  });
}

const TASKS = [
  ["grants", "Roles"],
  ["password", "Password"],
  ["disable", "Disable"],
  ["delete", "Delete"],
] as const;

const COLUMNS: readonly Column<Account>[] = [
  {
    head: "Name",
    cell: (row) => (
      <a
        href={linkTo("connections", [], { search: row.name })}
        className="font-medium text-accent hover:underline"
      >
        {row.name}
      </a>
    ),
  },
  {
    head: "Roles",
    cell: (row) => (
      <span className="flex flex-wrap gap-1">
        {row.roles.map((role) => (
          <Badge key={role} tone={role === "admin" ? "warn" : "plain"}>
            {role}
          </Badge>
        ))}
        {row.roles.length === 0 && <span className="text-muted">none</span>}
      </span>
    ),
  },
  {
    head: "Further permissions",
    cell: (row) =>
      row.permissions.length > 0 ? (
        <span className="font-mono text-xs">{row.permissions.join(", ")}</span>
      ) : (
        <span className="text-muted">none</span>
      ),
  },
  {
    head: "State",
    cell: (row) =>
      row.disabled ? <Badge tone="bad">disabled</Badge> : <Badge tone="good">may sign in</Badge>,
  },
];
