import { ConclaveError } from "./error.js";
import type { Room } from "./room.js";
import type { Topic } from "./topic.js";
import type { ClientEvents, ClientOptions, Invitation, Me, NewRoom, Profile, RoomChange, RoomSummary, Status } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export class ConclaveClient {
  constructor(readonly options: ClientOptions) {}
  get status(): Status { return soon(); }
  get retryAt(): number | null { return soon(); }
  get endedBecause(): ConclaveError | null { return soon(); }
  get me(): Me | null { return soon(); }
  get roomList(): readonly RoomSummary[] { return soon(); }
  connect(): Promise<void> { return soon(); }
  close(): void { soon(); }
  retryNow(): void { soon(); }
  on<E extends keyof ClientEvents>(_event: E, _listener: (value: ClientEvents[E]) => void): () => void { return soon(); }
  rooms(): Promise<RoomSummary[]> { return soon(); }
  publicRooms(): Promise<RoomSummary[]> { return soon(); }
  createRoom(_room: NewRoom): Promise<RoomSummary> { return soon(); }
  changeRoom(_id: string, _change: RoomChange): Promise<RoomSummary> { return soon(); }
  deleteRoom(_id: string): Promise<void> { return soon(); }
  joinRoom(_id: string): Promise<void> { return soon(); }
  leaveRoom(_id: string): Promise<void> { return soon(); }
  invite(_roomId: string, _userId: string): Promise<Invitation> { return soon(); }
  invitations(): Promise<Invitation[]> { return soon(); }
  acceptInvitation(_id: string): Promise<void> { return soon(); }
  rejectInvitation(_id: string): Promise<void> { return soon(); }
  profile(_userId?: string): Promise<Profile> { return soon(); }
  room(_id: string): Room { return soon(); }
  topic(_name: string): Topic { return soon(); }
  request<T>(_method: string, _path: string, _body?: unknown): Promise<T> { return soon(); }
}
