use sqlx::{AssertSqlSafe, Row};

use super::Fixture;
use crate::store::Engine;
use crate::{rooms, statement};

/// Every step that touches a table must be a search by a key or an index.
#[tokio::test]
async fn every_statement_goes_by_an_index() {
    let fixture = Fixture::new().await;
    let Engine::Sqlite { readers, .. } = &fixture.store.engine else {
        panic!("in a file")
    };
    for (name, text) in statement::ALL.iter().chain(rooms::statement::ALL) {
        for part in text.sqlite.split("; ") {
            let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {part}"));
            let plan = sqlx::query(plan).fetch_all(readers).await.unwrap();
            for step in plan {
                let step: String = step.get("detail");
                let bounded = READS_A_BOUNDED_LIST.contains(&(*name, step.as_str()));
                let scans = step.contains("SCAN") && !bounded;
                assert!(!scans, "{name} reads a whole table: {step}");
                let sorts = step.contains("TEMP B-TREE") && !SORTS_A_BOUNDED_LIST.contains(name);
                assert!(!sorts, "{name} sorts: {step}");
            }
        }
    }
}

/// The users that share one session and the wallets of one user, of which there is a bound; the
/// rooms of one user; and the first of what the user has missed, of which the sorter keeps no more
/// than are asked for.
const SORTS_A_BOUNDED_LIST: &[&str] = &[
    "SESSIONS_OWNED",
    "ROOM_NEXT",
    "EVENTS_MISSED",
    "WALLET_LIST",
];

/// Whole tables in the order of an index, up to a `LIMIT`; and lists and rows that are given.
const READS_A_BOUNDED_LIST: &[(&str, &str)] = &[
    ("REMAINS_FIRST", "SCAN room_remains"),
    ("MEMBERS_ENTERED", "SCAN u VIRTUAL TABLE INDEX 1:"),
    ("ROOMS_OF_EACH", "SCAN u VIRTUAL TABLE INDEX 1:"),
    ("PROFILE_SEEN", "SCAN u VIRTUAL TABLE INDEX 1:"),
    ("PROFILES_SEEN", "SCAN u VIRTUAL TABLE INDEX 1:"),
    ("LEASES_OF_OTHERS", "SCAN n VIRTUAL TABLE INDEX 1:"),
    ("WALLET_ADD", "SCAN CONSTANT ROW"),
];
