import { classes } from "./classes.ts";
import { hueOf, initials } from "./names.ts";

interface AvatarProps {
  name: string;
  /** Small ones stand in lists of people; fitting ones are small on narrow screens. */
  size?: "small" | "plain" | "fitting";
  /** Shows a dot; the words for screen readers are the caller's. */
  online?: boolean | undefined;
}

/** The letters of a name on its colour. Never an image of another server: that would tell it who reads. */
export function Avatar({ name, size = "plain", online }: AvatarProps) {
  return (
    <span aria-hidden className="relative inline-block shrink-0">
      <span
        className={classes(
          "grid place-items-center rounded-full font-semibold text-white select-none",
          SIZES[size],
          HUES[hueOf(name, HUES.length)],
        )}
      >
        {initials(name)}
      </span>
      {online !== undefined && (
        <span
          className={classes(
            "absolute -right-0.5 -bottom-0.5 size-3.5 rounded-full border-2 border-surface",
            online ? "bg-good" : "bg-line",
          )}
        />
      )}
    </span>
  );
}

const SIZES = {
  small: "size-8 text-xs",
  plain: "size-10 text-sm",
  fitting: "size-8 text-xs sm:size-10 sm:text-sm",
};
const HUES = [
  "bg-[#3a4fc4]",
  "bg-[#1f7a45]",
  "bg-[#8f5500]",
  "bg-[#8b3a8f]",
  "bg-[#0f6f85]",
  "bg-[#a33a3a]",
];
