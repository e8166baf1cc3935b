import { CircleCheck, CircleX } from "lucide-react";
import { useState, type FormEvent } from "react";

import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/TextField.tsx";
import { withQuery } from "../api.ts";
import { ProblemBanner } from "../ListFrame.tsx";
import { linkTo } from "../route.ts";
import { useMay } from "../session.ts";
import type { Explanation, Role } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { useAnswer } from "../useList.ts";
import { explanation } from "../words.ts";

/** Why a user may or may not do something, in words, with the rule it comes from. */
export function Explain({ route }: SectionProps) {
  const [user, setUser] = useState(route.query.get("user") ?? "");
  const [permission, setPermission] = useState(route.query.get("permission") ?? "");
  const [channel, setChannel] = useState(route.query.get("channel") ?? "");
  const asked = Object.fromEntries(route.query) as {
    user?: string;
    permission?: string;
    channel?: string;
  };
  const path = asked.user && asked.permission ? withQuery("/api/v1/explain", asked) : null;
  const { value, problem, loading, reload } = useAnswer<Explanation>(path);
  const roles = useAnswer<Role[]>("/api/v1/roles");
  const ask = (event: FormEvent) => {
    event.preventDefault();
    const to = linkTo("explain", [], {
      user: user.trim(),
      permission: permission.trim(),
      channel: channel.trim(),
    });
    if (location.hash === to) reload();
    else location.hash = to;
  };
  return (
    <>
      <form
        onSubmit={ask}
        className="grid items-start gap-3 rounded-lg border border-line bg-surface p-4 md:grid-cols-[1fr_1fr_1fr_auto]"
      >
        <TextField
          label="User"
          value={user}
          required
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setUser(event.target.value)}
        />
        <TextField
          label="Permission"
          list="permissions"
          value={permission}
          required
          autoCapitalize="none"
          spellCheck={false}
          placeholder="chat:send"
          onChange={(event) => setPermission(event.target.value)}
        />
        <TextField
          label="Channel, where it matters"
          hint="Or topic:NAME, user:ID, broadcast"
          value={channel}
          autoCapitalize="none"
          spellCheck={false}
          placeholder="room:general"
          onChange={(event) => setChannel(event.target.value)}
        />
        <Button type="submit" tone="primary" busy={loading} className="min-h-10 md:mt-6.5">
          Explain
        </Button>
        <datalist id="permissions">
          {known(roles.value ?? []).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </form>
      {problem && <ProblemBanner problem={problem} />}
      {value && !problem && path && <Decision told={value} />}
    </>
  );
}

function Decision({ told }: { told: Explanation }) {
  const mayChange = useMay("admin");
  const { verdict, because, change } = explanation(told);
  const Icon = told.allowed ? CircleCheck : CircleX;
  return (
    <section
      aria-label="Decision"
      aria-live="polite"
      className="grid gap-3 rounded-lg border border-line bg-surface p-4"
    >
      <p className="flex items-center gap-2.5 text-lg font-semibold">
        <Icon size={22} aria-hidden className={told.allowed ? "text-good" : "text-bad"} />
        {verdict}
      </p>
      <p>{because}</p>
      {change && (
        <p className="text-muted">
          {change}{" "}
          {mayChange && (
            <a href={linkTo("users")} className="text-accent underline">
              To the users
            </a>
          )}
        </p>
      )}
      {!told.certain && (
        <Banner tone="warn">
          {told.user} is not stored here. What they may do is in their token, which only they have;
          this is what a token without roles and permissions would get.
        </Banner>
      )}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 border-t border-line pt-3 text-sm">
        {facts(told).map(([name, value]) => (
          <div key={name} className="col-span-2 grid grid-cols-subgrid">
            <dt className="text-muted">{name}</dt>
            <dd className="font-mono text-xs leading-5 break-words">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function facts(told: Explanation): [string, string][] {
  const all: [string, string | null | undefined][] = [
    ["Rule", told.rule],
    ["Role", told.role],
    ["Grant", told.grant],
    ["Membership", told.membership],
    ["In the server's words", told.detail],
  ];
  return all.filter((fact): fact is [string, string] => Boolean(fact[1]));
}

/** Permissions that are asked about most, and all that roles name. */
function known(roles: readonly Role[]): string[] {
  return [...new Set([...COMMON, ...roles.flatMap(({ permissions }) => permissions)])].sort();
}

const COMMON = [
  "chat:send",
  "conversation.read",
  "room.create",
  "topic.publish",
  "topic.subscribe",
  "topic.broadcast",
  "system.monitor",
  "chat:moderate",
];
