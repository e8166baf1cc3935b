/** Dialogs that make and change own users. */
import { useState } from "react";

import { CheckField, TextField } from "../ui/TextField.tsx";
import { Confirm } from "./power.tsx";
import { useApi } from "./session.ts";
import type { Account, Role } from "./shapes.ts";

export type AccountTask =
  { what: "create" } | { what: "grants" | "password" | "disable" | "delete"; of: Account };

interface AccountDialogProps {
  task: AccountTask;
  roles: readonly Role[];
  close: () => void;
  done: (words: string) => void;
}

export function AccountDialog({ task, ...rest }: AccountDialogProps) {
  switch (task.what) {
    case "create":
      return <Create {...rest} />;
    case "grants":
      return <SetGrants of={task.of} {...rest} />;
    case "password":
      return <ResetPassword of={task.of} {...rest} />;
    case "disable":
      return <Disable of={task.of} {...rest} />;
    case "delete":
      return <Delete of={task.of} {...rest} />;
  }
}

type OfAccount = Omit<AccountDialogProps, "task"> & { of: Account };

function Create({ roles, close, done }: Omit<AccountDialogProps, "task">) {
  const api = useApi();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [chosen, setChosen] = useState<string[]>(["user"]);
  const [permissions, setPermissions] = useState("");
  const create = async () => {
    const grants = { roles: chosen, permissions: listed(permissions) };
    await api.act("POST", "/api/v1/users", { name: name.trim(), password, ...grants });
    done(`${name.trim()} may now sign in.`);
  };
  return (
    <Confirm title="Add a user" verb="Add" act={create} close={close} danger={false}>
      <TextField
        label="Name"
        value={name}
        required
        maxLength={255}
        autoComplete="off"
        onChange={(event) => setName(event.target.value)}
      />
      <Password value={password} onChange={setPassword} />
      <Grants
        roles={roles}
        chosen={chosen}
        choose={setChosen}
        permissions={permissions}
        permit={setPermissions}
      />
    </Confirm>
  );
}

function SetGrants({ of, roles, close, done }: OfAccount) {
  const api = useApi();
  const [chosen, setChosen] = useState(of.roles);
  const [permissions, setPermissions] = useState(of.permissions.join(", "));
  const change = async () => {
    await api.act("PUT", accountPath(of), { roles: chosen, permissions: listed(permissions) });
    done(`${of.name} now has ${chosen.length > 0 ? `the roles ${chosen.join(", ")}` : "no role"}.`);
  };
  return (
    <Confirm
      title={`What ${of.name} may do`}
      verb="Change"
      act={change}
      close={close}
      danger={false}
    >
      <Grants
        roles={roles}
        chosen={chosen}
        choose={setChosen}
        permissions={permissions}
        permit={setPermissions}
      />
      <p className="text-muted">Open connections follow within two seconds.</p>
    </Confirm>
  );
}

function ResetPassword({ of, close, done }: OfAccount) {
  const api = useApi();
  const [password, setPassword] = useState("");
  const reset = async () => {
    await api.act("PUT", accountPath(of), { password });
    done(`${of.name} has a new password.`);
  };
  return (
    <Confirm
      title={`New password for ${of.name}`}
      verb="Set the password"
      act={reset}
      close={close}
    >
      <Password value={password} onChange={setPassword} />
      <p>
        All tokens of {of.name} end now and their connections close. Signing in works with the new
        password only.
      </p>
    </Confirm>
  );
}

function Disable({ of, close, done }: OfAccount) {
  const api = useApi();
  const change = async () => {
    await api.act("PUT", accountPath(of), { disabled: !of.disabled });
    done(`${of.name} is ${of.disabled ? "enabled again" : "disabled"}.`);
  };
  return (
    <Confirm
      title={`${of.disabled ? "Enable" : "Disable"} ${of.name}?`}
      verb={of.disabled ? "Enable" : "Disable"}
      act={change}
      close={close}
      danger={!of.disabled}
    >
      <p>
        {of.disabled
          ? `${of.name} may sign in again, with the same roles, rooms and messages as before.`
          : `${of.name} can no longer sign in; tokens are refused and open connections close. Rooms and messages stay.`}
      </p>
    </Confirm>
  );
}

function Delete({ of, close, done }: OfAccount) {
  const api = useApi();
  const [typed, setTyped] = useState("");
  const remove = async () => {
    if (typed !== of.name) throw new Error(`type ${of.name} to confirm`);
    await api.act("DELETE", accountPath(of));
    done(`${of.name} is deleted.`);
  };
  return (
    <Confirm title={`Delete ${of.name}?`} verb="Delete" act={remove} close={close}>
      <p>
        The account, its password and its roles are removed; tokens end and connections close. This
        cannot be undone.
      </p>
      <TextField
        label={`Type ${of.name} to confirm`}
        value={typed}
        autoComplete="off"
        onChange={(event) => setTyped(event.target.value)}
      />
    </Confirm>
  );
}

function Password({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <TextField
      label="Password"
      type="password"
      hint="At least 8 characters."
      value={value}
      required
      minLength={8}
      maxLength={1024}
      autoComplete="new-password"
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface GrantsProps {
  roles: readonly Role[];
  chosen: string[];
  choose: (roles: string[]) => void;
  permissions: string;
  permit: (text: string) => void;
}

function Grants({ roles, chosen, choose, permissions, permit }: GrantsProps) {
  const known = [...new Set([...roles.map(({ role }) => role), ...chosen])];
  const toggle = (role: string) =>
    choose(chosen.includes(role) ? chosen.filter((held) => held !== role) : [...chosen, role]);
  return (
    <>
      <fieldset className="grid gap-2">
        <legend className="mb-1.5 font-medium">Roles</legend>
        {known.map((role) => (
          <div key={role}>
            <CheckField
              label={role}
              checked={chosen.includes(role)}
              onChange={() => toggle(role)}
            />
            <p className="ml-6.5 font-mono text-xs break-words text-muted">
              {roles.find((one) => one.role === role)?.permissions.join(", ")}
            </p>
          </div>
        ))}
      </fieldset>
      <TextField
        label="Permissions beside the roles"
        hint="With commas between. One may end in a pattern: topic.publish:orders.*"
        value={permissions}
        autoCapitalize="none"
        spellCheck={false}
        onChange={(event) => permit(event.target.value)}
      />
    </>
  );
}

/** The words of a list with commas or spaces between. */
export function listed(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

function accountPath({ name }: Account): string {
  return `/api/v1/users/${encodeURIComponent(name)}`;
}
