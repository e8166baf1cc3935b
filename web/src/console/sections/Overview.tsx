import { Banner } from "../../ui/Banner.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { Chart, type Line } from "../Chart.tsx";
import { Fact, Facts } from "../Facts.tsx";
import { ProblemBanner } from "../ListFrame.tsx";
import type { Sample } from "../rates.ts";
import { SURFACES, type Figures } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { bytes, count, milliseconds, moment, rate, span } from "../words.ts";

/** How the server is: numbers of now, and charts of the last ten minutes. */
export function Overview({ watched }: SectionProps) {
  const { figures, samples, problem, restartedAt } = watched;
  if (!figures) return problem ? <ProblemBanner problem={problem} /> : <Spinner label="Reading" />;
  return (
    <>
      {problem && (
        <Banner tone="bad">
          {problem.message}. The figures are those of {moment(figures.at)}; they are asked for again
          every two seconds.
        </Banner>
      )}
      {restartedAt && (
        <Banner tone="warn">
          The server was started anew at {moment(restartedAt.toISOString())}: its counters began at
          0.
        </Banner>
      )}
      <Warnings figures={figures} />
      <Charts samples={samples} figures={figures} />
      <Details figures={figures} />
    </>
  );
}

function Warnings({ figures }: { figures: Figures }) {
  return (
    <>
      {figures.draining && (
        <Banner tone="warn">
          This node is draining: it takes no new connections and lets go of its own.
        </Banner>
      )}
      {figures.bus?.away && (
        <Banner tone="bad">
          The bus is away: this node hears nothing of the others until it is back.
        </Banner>
      )}
      {figures.audit.failing && (
        <Banner tone="bad">
          The audit log cannot be written. Look at the disk of the data folder.
        </Banner>
      )}
    </>
  );
}

function Charts({ samples, figures }: { samples: readonly Sample[]; figures: Figures }) {
  const times = samples.map(({ at }) => at);
  const line = (label: string, read: (sample: Sample) => number | null): Line => ({
    label,
    values: samples.map(read),
  });
  const last = samples.at(-1);
  const sum = (read: (sample: Sample) => number | null) =>
    samples.reduce((all, sample) => all + (read(sample) ?? 0), 0);
  const surfaces = SURFACES.map((surface) =>
    line(surface, (sample) => sample.connections[surface]),
  );
  const whole = (value: number | null) => (value === null ? "–" : count(Math.round(value)));
  return (
    <div className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
      <Chart
        title="Connections"
        now={count(figures.everywhere.total)}
        times={times}
        lines={surfaces}
        format={whole}
        stacked
        whole
      />
      <Chart
        title="Messages per second"
        now={rate(last?.delivered ?? null)}
        times={times}
        lines={[
          line("received", (sample) => sample.received),
          line("delivered", (sample) => sample.delivered),
        ]}
        format={rate}
      />
      <Chart
        title="Command latency, p99"
        now={milliseconds(last?.commandP99 ?? null)}
        times={times}
        lines={[
          line("p50", (sample) => sample.commandP50),
          line("p99", (sample) => sample.commandP99),
        ]}
        format={milliseconds}
      />
      <Chart
        title="Delivery latency, p99"
        now={milliseconds(last?.deliveryP99 ?? null)}
        times={times}
        lines={[
          line("p50", (sample) => sample.deliveryP50),
          line("p99", (sample) => sample.deliveryP99),
        ]}
        format={milliseconds}
      />
      <Chart
        title="Limits hit in ten minutes"
        now={count(sum((sample) => sample.limits))}
        times={times}
        lines={[line("hits", (sample) => sample.limits)]}
        format={whole}
        whole
      />
      <Chart
        title="Slow readers cut in ten minutes"
        now={count(sum((sample) => sample.slowReaders))}
        times={times}
        lines={[line("cut", (sample) => sample.slowReaders)]}
        format={whole}
        whole
      />
    </div>
  );
}

function Details({ figures }: { figures: Figures }) {
  const { connections, messages, store, memory, audit, bus } = figures;
  const limits = Object.entries(figures.limits_hit).filter(([, hits]) => hits > 0);
  return (
    <div className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
      <Facts title="Server">
        <Fact name="Version">{figures.version}</Fact>
        <Fact name="Up">{span(figures.uptime_seconds)}</Fact>
        <Fact name="Nodes">{count(figures.everywhere.nodes)}</Fact>
        <Fact name="Workers">{connections.by_worker.map(count).join(" · ")}</Fact>
        <Fact name="Memory">{bytes(memory.resident_bytes)}</Fact>
        <Fact name="Store">{`${store.database}, ${bytes(store.bytes)}`}</Fact>
      </Facts>
      <Facts title="Clients">
        <Fact name="Users here">{count(connections.users)}</Fact>
        <Fact name="Signed in">{`${count(connections.authenticated)} of ${count(connections.total)}`}</Fact>
        <Fact name="Opened">{count(figures.connections_opened)}</Fact>
        <Fact name="Closed">{count(figures.connections_closed)}</Fact>
        <Fact name="Channels">{count(figures.channels)}</Fact>
        <Fact name="HTTP requests">{count(figures.http_requests)}</Fact>
      </Facts>
      <Facts title="Messages since the start">
        <Fact name="Received">{count(messages.received)}</Fact>
        <Fact name="Published">{count(messages.published)}</Fact>
        <Fact name="Delivered">{count(messages.delivered)}</Fact>
        <Fact name="Slow readers cut">{count(figures.slow_readers)}</Fact>
        <Fact name="Newest event">{count(store.newest_event)}</Fact>
        {bus && <Fact name="Bus sent, lost">{`${count(bus.sent)}, ${count(bus.lost)}`}</Fact>}
        {bus && (
          <Fact name="Bus received, missed">{`${count(bus.received)}, ${count(bus.missed)}`}</Fact>
        )}
      </Facts>
      <Facts title="Refused since the start">
        <Fact name="Handshakes">{count(figures.handshakes_refused)}</Fact>
        <Fact name="Commands">{count(figures.refusals)}</Fact>
        <Fact name="Sign-ins">{`${count(figures.sign_ins.failed)} of ${count(figures.sign_ins.failed + figures.sign_ins.ok)}`}</Fact>
        <Fact name="Protocol violations">{count(figures.violations)}</Fact>
        <Fact name="Limits">
          {limits.map(([name, hits]) => `${name} ${count(hits)}`).join(", ") || "none hit"}
        </Fact>
        <Fact name="Audit lines left out">{count(audit.left_out)}</Fact>
      </Facts>
    </div>
  );
}
