import type { Member, Presence, Role } from "conclave-client";
import { ShieldCheck, ShieldOff, UserX } from "lucide-react";

import { Avatar } from "../ui/Avatar.tsx";
import { Badge } from "../ui/Badge.tsx";
import { IconButton } from "../ui/Button.tsx";
import { seenWords } from "./words.ts";

/** What can be done with a member. */
export type MemberChange = "remove" | "MODERATOR" | "MEMBER";

interface MemberItemProps {
  member: Member;
  presence: Presence | undefined;
  own: boolean;
  mayRemove: boolean;
  mayRank: boolean;
  onChange: (what: MemberChange) => void;
}

export function MemberItem({
  member,
  presence,
  own,
  mayRemove,
  mayRank,
  onChange,
}: MemberItemProps) {
  const online = presence?.isOnline ?? false;
  const { name, role } = member;
  return (
    <li className="flex items-center gap-3 py-1.5">
      <Avatar name={name} size="small" online={online} />
      <div className="min-w-0 flex-1">
        <p className="truncate text-sm font-medium">{own ? `${name} (you)` : name}</p>
        <p className="truncate text-xs text-muted">
          {online ? "Online" : seenWords(presence?.lastSeenAt ?? null, new Date())}
        </p>
      </div>
      {role !== "MEMBER" && <Badge>{ROLES[role]}</Badge>}
      {mayRank && role === "MEMBER" && (
        <IconButton
          label={`Make ${name} a moderator`}
          className="size-8"
          onClick={() => onChange("MODERATOR")}
        >
          <ShieldCheck size={16} aria-hidden />
        </IconButton>
      )}
      {mayRank && role === "MODERATOR" && (
        <IconButton
          label={`${name} moderates no more`}
          className="size-8"
          onClick={() => onChange("MEMBER")}
        >
          <ShieldOff size={16} aria-hidden />
        </IconButton>
      )}
      {mayRemove && (
        <IconButton label={`Remove ${name}`} className="size-8" onClick={() => onChange("remove")}>
          <UserX size={16} aria-hidden />
        </IconButton>
      )}
    </li>
  );
}

const ROLES: Record<Role, string> = { OWNER: "Owner", MODERATOR: "Moderator", MEMBER: "Member" };
