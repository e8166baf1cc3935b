/** What the console's calls answer: the shapes of `/api/v1`, as the server writes them. */

/** The six kinds of connection, in the order in which they are shown. */
export const SURFACES = [
  "topics",
  "conversation",
  "socketio",
  "service",
  "web3",
  "general",
] as const;
export type Surface = (typeof SURFACES)[number];

/** A histogram since the server's start; `buckets` are cumulative, `le_ms` null is infinity. */
export interface Histogram {
  count: number;
  sum_seconds: number;
  p50_ms: number | null;
  p99_ms: number | null;
  buckets: { le_ms: number | null; count: number }[];
}

export interface Figures {
  at: string;
  version: string;
  uptime_seconds: number;
  node: string | null;
  draining: boolean;
  workers: number;
  connections: {
    total: number;
    authenticated: number;
    users: number;
    by_surface: Record<Surface, number>;
    by_worker: number[];
  };
  everywhere: { nodes: number; total: number; users: number; by_surface: Record<Surface, number> };
  channels: number;
  messages: { received: number; published: number; delivered: number };
  connections_opened: number;
  connections_closed: number;
  http_requests: number;
  limits_hit: Record<string, number>;
  refusals: number;
  slow_readers: number;
  violations: number;
  handshakes_refused: number;
  sign_ins: { ok: number; failed: number };
  latency: { command: Histogram; delivery: Histogram };
  store: { database: string; bytes: number | null; newest_event: number };
  bus: Bus | null;
  audit: { queued: number; left_out: number; failing: boolean };
  memory: {
    resident_bytes: number | null;
    inbox_bytes: number;
    revocations: number;
    tickets: number;
  };
}

export interface Bus {
  away: boolean;
  sent: number;
  lost: number;
  received: number;
  missed: number;
  refused: number;
  connects: number;
  waiting_bytes: number;
  channels: number;
}

export interface Connection {
  id: string;
  user_id?: string | null;
  session: string;
  surface: string;
  address: string;
  connected_at: string;
  node?: string;
  messages_received?: number;
  outbox_bytes?: number;
  subscriptions?: number;
}

export interface RoomLine {
  id: string;
  name: string | null;
  type: "DM" | "PRIVATE" | "PUBLIC";
  owner_id: string | null;
  members: number;
  messages: number;
  last_seq: number;
  created_at: string;
  subscribers: number;
}

export interface RoomMessage {
  id: string;
  userId: string;
  content: string;
  messageType: string;
  seq: number;
  createdAt: string;
  updatedAt: string;
  deletedAt?: string | null;
  deliveryStatus: string;
  user: { name?: string };
}

export interface TopicLine {
  session: string;
  topic: string;
  anonymous: boolean;
  issuer: string | null;
  subscribers: number;
}

export interface Account {
  name: string;
  roles: string[];
  permissions: string[];
  disabled: boolean;
}

export interface Role {
  role: string;
  permissions: string[];
}

export interface AuditLine {
  seq: number;
  ts: string;
  event: string;
  level: "info" | "warning" | "critical";
  user: string | null;
  session: string | null;
  connection: string | null;
  ip: string | null;
  user_agent: string | null;
  path: string | null;
  detail: unknown;
}

export interface AuditState {
  verified: boolean;
  at: string;
  /** Null, as the next three, where the chain does not hold. */
  lines: number | null;
  first_seq: number | null;
  last_seq: number | null;
  head: string | null;
  /** The lines that say so. */
  recovered: number[];
  problem: string | null;
}

export interface ConfigKey {
  key: string;
  value: unknown;
  secret?: boolean;
  set?: boolean;
  from: "default" | "file" | "environment" | "flag";
  source: string | null;
  about: string;
}

export interface Config {
  profile: string;
  file: string | null;
  keys: ConfigKey[];
}

export interface Explanation {
  user: string;
  permission: string;
  channel: string | null;
  allowed: boolean;
  rule: "disabled" | "issuer_default" | "not_a_member" | "not_granted" | "permission" | "role";
  role: string | null;
  grant: string | null;
  membership: "member" | "room.any" | "none" | null;
  certain: boolean;
  detail: string;
}

export interface Me {
  user_id: string;
  name: string;
  session: string;
  roles: string[];
  permissions: string[];
  expires_at: string | null;
}

/** `GET /api/v1/assistant`, where it is on. */
export interface AssistantFeed {
  enabled: true;
  model: string;
  /** Whom it asks, without path and credentials. */
  base_host: string;
  concurrency: { running: number; waiting: number; limit: number };
  answers: { started: number; stop: number; length: number; cancelled: number; error: number };
  tokens: { prompt: number; completion: number };
  first_token: Histogram | null;
  rooms: RunningAnswer[];
}

export interface RunningAnswer {
  id: string;
  asked_by: string;
  message_id?: string | null;
  tokens: number;
  for_seconds: number;
}

/** `GET /api/v1/wallet`, where it is on. */
export interface WalletFeed {
  enabled: true;
  chain_id: number | null;
  status: "live" | "degraded";
  head: { number: number; hash: string; at: string } | null;
  subscriptions: { balance: number; transactions: number; contract: number };
  addresses: number;
  upstream: {
    requests: number;
    reconnects: number;
    reorganisations: number;
    gaps_filled: number;
  };
}
