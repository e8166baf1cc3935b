//! The SVG chart: one panel per figure worth a glance, one bar per subject.

use std::fmt::Write as _;

use super::measurement::{Case, Measurement, Results};
use super::report::{colour, duration};
use super::subject::Subject;

/// One panel: its title, its case and what its bars show.
struct Panel {
    title: &'static str,
    case: Case,
    value: fn(&Measurement) -> Option<f64>,
    text: fn(f64) -> String,
}

/// The medians as an SVG picture.
pub(super) fn svg(results: &Results, machine: &str) -> String {
    let panels: Vec<(&Panel, Vec<(Subject, f64)>)> = PANELS
        .iter()
        .map(|panel| {
            let rows = results
                .medians()
                .into_iter()
                .filter(|row| row.case == panel.case);
            (
                panel,
                rows.filter_map(|row| Some((row.subject, (panel.value)(&row)?)))
                    .collect(),
            )
        })
        .filter(|(_, bars): &(_, Vec<_>)| !bars.is_empty())
        .collect();
    let height: u32 = TOP
        + panels
            .iter()
            .map(|(_, bars)| panel_height(bars.len()))
            .sum::<u32>();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" fill=\"#111827\">conclave bench: less is better</text>\n\
         <text x=\"16\" y=\"42\" fill=\"#6b7280\">{}</text>\n",
        escaped(machine)
    );
    let mut top = TOP;
    for (panel, bars) in &panels {
        draw(&mut out, top, panel, bars);
        top += panel_height(bars.len());
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, top: u32, panel: &Panel, bars: &[(Subject, f64)]) {
    let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let mut text = format!(
        "<text x=\"16\" y=\"{}\" font-weight=\"bold\" fill=\"#111827\">{}</text>\n",
        top + 12,
        escaped(panel.title)
    );
    let mut y = top + 20;
    for (subject, value) in bars {
        let width = if most > 0.0 {
            value / most * BAR_WIDTH
        } else {
            0.0
        };
        let written = writeln!(
            text,
            "<text x=\"16\" y=\"{baseline}\" fill=\"#374151\">{name}</text>\
             <rect x=\"90\" y=\"{y}\" width=\"{width:.1}\" height=\"14\" rx=\"2\" fill=\"{fill}\"/>\
             <text x=\"{label:.1}\" y=\"{baseline}\" fill=\"#111827\">{value}</text>",
            baseline = y + 11,
            name = subject.name(),
            fill = colour(*subject),
            label = 96.0 + width,
            value = escaped(&(panel.text)(*value)),
        );
        // Writing into a String cannot fail.
        debug_assert!(written.is_ok());
        y += BAR_PITCH;
    }
    out.push_str(&text);
}

fn panel_height(bars: usize) -> u32 {
    30 + BAR_PITCH * u32::try_from(bars).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn cpu(row: &Measurement) -> Option<f64> {
    row.cpu_ns
}

fn bytes(row: &Measurement) -> Option<f64> {
    row.bytes
}

fn p99(row: &Measurement) -> Option<f64> {
    row.latency.map(|latency| latency.p99_us * 1000.0)
}

fn kibibytes(bytes: f64) -> String {
    format!("{:.2} KiB", bytes / 1024.0)
}

const PANELS: &[Panel] = &[
    Panel {
        title: "CPU per delivery, 1,000 subscribers, one publication at a time",
        case: Case::Fanout,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per delivery, 1,000 subscribers, 16 publications in flight",
        case: Case::FanoutInFlight,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per delivery, 9,900 subscribers",
        case: Case::FanoutWide,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per delivery, rooms of ten",
        case: Case::Rooms,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per echo",
        case: Case::Echo,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per authenticated handshake",
        case: Case::Handshake,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "User memory per idle connection",
        case: Case::Memory,
        value: bytes,
        text: kibibytes,
    },
    Panel {
        title: "p99 of echo while a topic of 10,000 is flooded",
        case: Case::Flood,
        value: p99,
        text: duration,
    },
    Panel {
        title: "CPU per Socket.IO handshake, CONNECT with a token answered",
        case: Case::SocketIoHandshake,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per delivery over Socket.IO, a message to a room of 1,000",
        case: Case::SocketIoFanout,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "CPU per delivery over Socket.IO, 16 messages in flight",
        case: Case::SocketIoInFlight,
        value: cpu,
        text: duration,
    },
    Panel {
        title: "User memory per idle Socket.IO connection",
        case: Case::SocketIoMemory,
        value: bytes,
        text: kibibytes,
    },
    Panel {
        title: "p99 of the ack of a durable send, 256 senders over conversation",
        case: Case::DurableMany,
        value: p99,
        text: duration,
    },
];
const WIDTH: u32 = 720;
const TOP: u32 = 60;
const BAR_WIDTH: f64 = 520.0;
const BAR_PITCH: u32 = 18;

#[cfg(test)]
mod tests {
    use super::super::measurement::{Case, Measurement, Results};
    use super::super::subject::Subject;
    use super::svg;

    #[test]
    fn draws_only_what_was_measured() {
        let mut results = Results::default();
        for (subject, cpu_ns) in [(Subject::Conclave, 2_500.0), (Subject::Floor, 2_400.0)] {
            let mut row = Measurement::new(Case::Fanout, subject);
            row.cpu_ns = Some(cpu_ns);
            results.add(0, [row]);
        }
        let picture = svg(&results, "two cores & more");
        assert_eq!(picture.matches("<rect").count(), 3);
        assert!(picture.contains("2.50 us") && picture.contains("two cores &amp; more"));
        assert!(picture.trim_end().ends_with("</svg>"));
    }
}
