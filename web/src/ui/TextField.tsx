import { useId, type ComponentProps, type ReactNode } from "react";

import { classes } from "./classes.ts";

interface FieldProps {
  label: string;
  /** A line below that helps. */
  hint?: ReactNode;
  /** What is wrong with what is in it. */
  error?: string | null | undefined;
  /** Shows the label to screen readers only. */
  labelHidden?: boolean;
}

/** A line of text with its label, hint and error. */
export function TextField({
  label,
  hint,
  error,
  labelHidden = false,
  className,
  ...rest
}: FieldProps & ComponentProps<"input">) {
  const id = useId();
  const below = `${id}-below`;
  return (
    <div className={className}>
      <FieldLabel htmlFor={id} hidden={labelHidden}>
        {label}
      </FieldLabel>
      <input
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || hint ? below : undefined}
        {...rest}
        className={FIELD}
      />
      <Below id={below} hint={hint} error={error} />
    </div>
  );
}

/** Several lines of text. */
export function TextArea({
  label,
  hint,
  error,
  labelHidden = false,
  className,
  ...rest
}: FieldProps & ComponentProps<"textarea">) {
  const id = useId();
  const below = `${id}-below`;
  return (
    <div className={className}>
      <FieldLabel htmlFor={id} hidden={labelHidden}>
        {label}
      </FieldLabel>
      <textarea
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || hint ? below : undefined}
        {...rest}
        className={classes(FIELD, "py-2")}
      />
      <Below id={below} hint={hint} error={error} />
    </div>
  );
}

/** One of a few values. */
export function SelectField({
  label,
  hint,
  error,
  labelHidden = false,
  className,
  ...rest
}: FieldProps & ComponentProps<"select">) {
  const id = useId();
  const below = `${id}-below`;
  return (
    <div className={className}>
      <FieldLabel htmlFor={id} hidden={labelHidden}>
        {label}
      </FieldLabel>
      <select
        id={id}
        aria-describedby={error || hint ? below : undefined}
        {...rest}
        className={FIELD}
      />
      <Below id={below} hint={hint} error={error} />
    </div>
  );
}

interface CheckFieldProps extends ComponentProps<"input"> {
  label: ReactNode;
}

/** Yes or no. */
export function CheckField({ label, className, ...rest }: CheckFieldProps) {
  return (
    <label className={classes("flex cursor-pointer items-center gap-2.5 text-sm", className)}>
      <input type="checkbox" {...rest} className="size-4 accent-accent" />
      {label}
    </label>
  );
}

function FieldLabel({ hidden, ...rest }: ComponentProps<"label"> & { hidden: boolean }) {
  return (
    <label {...rest} className={hidden ? "sr-only" : "mb-1.5 block text-sm font-medium text-ink"} />
  );
}

function Below({ id, hint, error }: { id: string; hint: ReactNode; error: FieldProps["error"] }) {
  if (!hint && !error) return null;
  return (
    <p id={id} className={classes("mt-1.5 text-sm", error ? "text-bad" : "text-muted")}>
      {error ?? hint}
    </p>
  );
}

const FIELD =
  "block min-h-10 w-full rounded-lg border border-line bg-ground px-3 text-base text-ink " +
  "placeholder:text-muted sm:text-sm";
