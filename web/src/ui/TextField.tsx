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
export function TextField(props: FieldProps & ComponentProps<"input">) {
  const { field, rest } = parted(props);
  return <Field {...field}>{(told) => <input {...told} {...rest} className={FIELD} />}</Field>;
}

/** Several lines of text. */
export function TextArea(props: FieldProps & ComponentProps<"textarea">) {
  const { field, rest } = parted(props);
  return (
    <Field {...field}>
      {(told) => <textarea {...told} {...rest} className={classes(FIELD, "py-2")} />}
    </Field>
  );
}

/** One of a few values. */
export function SelectField(props: FieldProps & ComponentProps<"select">) {
  const { field, rest } = parted(props);
  return <Field {...field}>{(told) => <select {...told} {...rest} className={FIELD} />}</Field>;
}

/** What belongs to the frame around a control, and what to the control. */
function parted<T extends FieldProps & { className?: string | undefined }>(props: T) {
  const { label, hint, error, labelHidden, className, ...rest } = props;
  return { field: { label, hint, error, labelHidden, className }, rest };
}

/** What a control is told of its label, hint and error. */
interface Told {
  id: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

interface FrameProps {
  label: string;
  hint: ReactNode;
  error: string | null | undefined;
  labelHidden: boolean | undefined;
  className: string | undefined;
  children: (told: Told) => ReactNode;
}

function Field({ label, hint, error, labelHidden, className, children }: FrameProps) {
  const id = useId();
  const below = `${id}-below`;
  return (
    <div className={className}>
      <FieldLabel htmlFor={id} hidden={labelHidden ?? false}>
        {label}
      </FieldLabel>
      {children({
        id,
        "aria-invalid": error ? true : undefined,
        "aria-describedby": error || hint ? below : undefined,
      })}
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
