use sqlx::{AssertSqlSafe, Row};

use super::Fixture;
use crate::statement;

/// Every step that touches a table must be a search by a key or an index.
#[tokio::test]
async fn every_statement_goes_by_an_index() {
    let fixture = Fixture::new().await;
    for (name, text) in statement::ALL {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let plan = sqlx::query(plan)
            .fetch_all(fixture.store.readers())
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get("detail");
            assert!(!step.contains("SCAN"), "{name} reads a whole table: {step}");
            let sorts = step.contains("TEMP B-TREE") && !SORTS_A_BOUNDED_LIST.contains(name);
            assert!(!sorts, "{name} sorts: {step}");
        }
    }
}

/// The users that share one session, of which there is a bound.
const SORTS_A_BOUNDED_LIST: &[&str] = &["SESSIONS_OWNED"];
