import type { RoomSummary } from "conclave-client";

/** What a room is called: a direct message by the other one's name. */
export const titleOf = (room: RoomSummary): string =>
  room.name !== "" ? room.name : (room.peer?.name ?? "Direct message");

/** Those whose name holds what is sought. */
export function matching(rooms: readonly RoomSummary[], sought: string): readonly RoomSummary[] {
  const words = sought.trim().toLocaleLowerCase();
  if (words === "") return rooms;
  return rooms.filter((room) => titleOf(room).toLocaleLowerCase().includes(words));
}
