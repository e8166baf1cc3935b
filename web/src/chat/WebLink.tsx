import type { ReactNode } from "react";

/** A link to somewhere else. That page learns nothing of this one and cannot reach it. */
export function WebLink({ href, className, children }: WebLinkProps) {
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      referrerPolicy="no-referrer"
      className={className ?? "text-accent underline underline-offset-2"}
    >
      {children}
    </a>
  );
}

interface WebLinkProps {
  /** `http:` or `https:`. */
  href: string;
  className?: string;
  children: ReactNode;
}
