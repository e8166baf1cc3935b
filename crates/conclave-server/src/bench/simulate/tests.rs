use std::path::PathBuf;

use clap::Parser as _;

use super::cluster::Cluster;
use super::figures::{Costs, Dialect};
use super::law::{Comparison, Law, Source};
use super::plan::Plan;
use super::traffic::{Mix, Second};
use super::{MEASURED, SimulateArguments, plan};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: SimulateArguments,
}

fn parsed(line: &str) -> SimulateArguments {
    Line::parse_from(["simulate"].into_iter().chain(line.split_whitespace())).arguments
}

/// Points that follow a law exactly: 5 us a delivery, 8 to take, 4 and 6 to publish, in Redis 2 and 1.5.
fn points(nodes: &[u32]) -> serde_json::Value {
    let point = |nodes: &u32| {
        let (count, several) = (f64::from(*nodes), f64::from(u8::from(*nodes > 1)));
        let redis = 2.0 + 1.5 * count;
        serde_json::json!({
            "nodes": nodes, "publications_per_second": 500.0, "message_bytes": 200,
            "deliveries_per_second": 500.0 * count * 100.0, "subscribers_per_node": 100,
            "node_cpu_us_per_delivery": 5.0 + 8.0 * several / 100.0,
            "node_cpu_us_per_publication": 4.0 + 6.0 * several,
            "redis_cpu_us_per_publication": if several > 0.0 { Some(redis) } else { None },
            "redis_cpu_us_per_delivery_to_node": if several > 0.0 { Some(redis / count) } else { None },
            "latency_us": { "p50": 400.0, "p99": 1500.0 },
        })
    };
    let points: Vec<_> = nodes.iter().map(point).collect();
    serde_json::json!({ "machine": { "cores": 2 }, "points": points })
}

fn law(points: &serde_json::Value) -> Law {
    let costs = Costs::read(MEASURED, Dialect::Topics).unwrap();
    Law::fitted(costs, &Cluster::read(&points.to_string()).unwrap())
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-6 * right.abs().max(1.0)
}

/// The answer of a command line, with these points in the file.
fn answer(line: &str, points: Option<&serde_json::Value>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("cluster.json");
    if let Some(points) = points {
        std::fs::write(&file, points.to_string()).unwrap();
    }
    let arguments = SimulateArguments {
        cluster: file,
        ..parsed(line)
    };
    arguments.answer().map_err(|error| format!("{error:#}"))
}

#[test]
fn measured_figures_of_one_node_are_read() {
    let topics = Costs::read(MEASURED, Dialect::Topics).unwrap();
    let socketio = Costs::read(MEASURED, Dialect::SocketIo).unwrap();
    for costs in [topics, socketio] {
        assert!((0.1..100.0).contains(&costs.delivery), "{costs:?}");
        assert!(costs.merged_delivery < costs.delivery, "{costs:?}");
        assert!(
            (500.0..5000.0).contains(&costs.connection_bytes),
            "{costs:?}"
        );
        assert!((0.05..10.0).contains(&costs.idle_second), "{costs:?}");
        assert!(costs.stored_per_second > 100.0, "{costs:?}");
    }
    assert!(socketio.handshake > topics.handshake);
    let error = Costs::read(
        "{\"sizes\":{\"memory_to\":1},\"medians\":[]}",
        Dialect::Topics,
    );
    assert!(error.unwrap_err().to_string().contains("was not measured"));
}

#[test]
fn a_law_is_found_from_the_points_that_follow_it() {
    let law = law(&points(&[1, 2, 3, 3]));
    for (found, expected) in [
        (law.delivery, 5.0),
        (law.taking, 8.0),
        (law.publishing, 4.0),
        (law.sending, 6.0),
        (law.passing, 2.0),
        (law.handing, 1.5),
    ] {
        assert!(close(found, expected), "{law:?}");
    }
    assert_eq!(law.faults(), Vec::<String>::new());
    assert!(law.comparisons.iter().all(|one| one.error().abs() < 1e-9));
    // One and two nodes say enough of the nodes, but not of Redis.
    let source = |quantity: &str| {
        let mut all = law.comparisons.iter();
        let found = all.find(|one| one.nodes == 3 && one.quantity.starts_with(quantity));
        found.unwrap().source
    };
    assert_eq!(source("CPU per delivery"), Source::Predicted);
    assert_eq!(source("Redis per publication"), Source::Fitted);
}

#[test]
fn points_whose_publisher_hears_nothing_tell_what_redis_hands_out() {
    let mut points = points(&[1, 2, 2, 3, 3]);
    for (index, hearing) in [(1, 1.0), (2, 2.0), (3, 2.0), (4, 3.0)] {
        let point = &mut points["points"][index];
        let redis = 2.0 + 1.5 * hearing;
        point["hearing_nodes"] = serde_json::json!(index.div_ceil(2) + index.saturating_sub(1) % 2);
        point["deliveries_per_second"] = (500.0 * hearing * 100.0).into();
        point["redis_cpu_us_per_publication"] = redis.into();
        point["redis_cpu_us_per_delivery_to_node"] = (redis / hearing).into();
    }
    let law = law(&points);
    assert_eq!(law.faults(), Vec::<String>::new());
    assert!(
        close(law.passing, 2.0) && close(law.handing, 1.5),
        "{law:?}"
    );
    let of_three = |one: &&Comparison| one.nodes == 3;
    let mut compared = law.comparisons.iter().filter(of_three);
    assert!(compared.all(|one| one.source == Source::Predicted && one.error().abs() < 1e-9));
}

#[test]
fn a_point_that_is_off_by_more_than_a_quarter_stops_everything() {
    let mut three = points(&[1, 2, 3]);
    for (factor, stops) in [(1.0, false), (1.2, false), (1.4, true), (0.7, true)] {
        let cost = 5.08 * factor;
        three["points"][2]["node_cpu_us_per_delivery"] = cost.into();
        let said = answer("--publications 100", Some(&three));
        assert_eq!(said.is_err(), stops, "{factor}: {said:?}");
        let text = said.unwrap_or_else(|text| text);
        assert!(text.contains("CPU per delivery (us)"), "{text}");
        assert_eq!(text.contains("says nothing beyond it"), stops, "{text}");
    }
}

#[test]
fn without_points_of_two_and_three_nodes_nothing_is_said_of_many() {
    let refused = answer("--connections 1000", Some(&points(&[1, 2]))).unwrap_err();
    assert!(refused.contains("no point of 3 nodes"), "{refused}");
    let refused = answer("--connections 1000", None).unwrap_err();
    assert!(refused.contains("is not there"), "{refused}");
    let one = answer("--nodes 1 --connections 1000 --publications 10", None).unwrap();
    assert!(
        one.contains("\n1 node\n") && one.contains("everything fits"),
        "{one}"
    );
}

#[test]
fn a_file_that_cannot_have_been_measured_is_refused() {
    for (key, value) in [("nodes", 0.0), ("deliveries_per_second", -1.0)] {
        let mut broken = points(&[1, 2, 3]);
        broken["points"][1][key] = if key == "nodes" {
            0.into()
        } else {
            value.into()
        };
        let said = answer("--connections 1000", Some(&broken)).unwrap_err();
        assert!(
            said.contains("points[1] cannot have been measured"),
            "{said}"
        );
    }
    assert!(Cluster::read("{\"machine\":{\"cores\":2},\"points\":[]}").is_err());
}

#[test]
fn the_same_arguments_give_the_same_answer() {
    let points = points(&[1, 2, 3]);
    let line = "--connections 3000000 --publications 20000 --seed 7 --json";
    let first = answer(line, Some(&points)).unwrap();
    assert_eq!(first, answer(line, Some(&points)).unwrap());
    let other = answer(&line.replace("--seed 7", "--seed 8"), Some(&points)).unwrap();
    assert_ne!(first, other);
    let json: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert!(json["nodes"].as_u64().unwrap() > 1, "{json}");
}

#[test]
fn a_drawn_second_adds_up() {
    let mix: Mix = "10:0.5,3000:0.5".parse().unwrap();
    let second = Second::draw(7, 100.0, &mix, 1000, 3);
    let sum = |list: &[f64]| list.iter().sum::<f64>();
    // 3000 members are 1000 where there are no more connections.
    let deliveries = sum(&second.deliveries);
    assert!((45_000.0..56_000.0).contains(&deliveries), "{deliveries}");
    assert!(close(sum(&second.published), 100.0));
    let (taken, handed) = (sum(&second.taken), second.handed);
    assert!(taken < handed && handed <= 700.0, "{taken} {handed}");
    let alone = Second::draw(1, 100.0, &mix, 1000, 3);
    assert!(close(sum(&alone.taken), 0.0));
}

#[test]
fn more_clients_need_more_nodes_and_each_plan_is_within_its_limits() {
    let law = law(&points(&[1, 2, 3]));
    let mut before = 0;
    for connections in [10_000, 1_000_000, 10_000_000] {
        let arguments = parsed(&format!(
            "--connections {connections} --publications {}",
            connections / 100
        ));
        let (demand, limits) = (arguments.demand(), arguments.limits(&law.costs));
        let nodes = plan::nodes_needed(&law, &demand, &limits);
        assert!(nodes > before, "{connections}: {nodes}");
        before = nodes;
        let enough = Plan::draw(&law, &demand, &limits, nodes);
        assert!(
            enough.node.iter().all(|one| one.share() <= 1.0),
            "{enough:?}"
        );
        if nodes > 1 {
            let fewer = Plan::draw(&law, &demand, &limits, nodes - 1);
            assert!(fewer.node.iter().any(|one| one.share() > 1.0), "{fewer:?}");
        }
    }
}

#[test]
fn redis_is_named_where_it_is_the_first_to_be_short() {
    let points = points(&[1, 2, 3]);
    let line = "--connections 100000 --publications 500000 --channels 2:1 --nodes 4";
    let text = answer(line, Some(&points)).unwrap();
    assert!(
        text.contains("used most: cores of Redis; this does not fit"),
        "{text}"
    );
    assert!(text.contains("shards of a Redis cluster"), "{text}");
}

#[test]
fn channels_are_members_and_shares_that_make_one() {
    for wrong in [
        "",
        "10",
        "10:x",
        "0:1",
        "10:0.5",
        "10:0.5,20:0.6",
        "10:-1,5:2",
    ] {
        assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
    }
    assert!("2:0.6, 10:0.4".parse::<Mix>().is_ok());
}
