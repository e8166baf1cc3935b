//! The pages that this program was built with, or without.

use conclave_pages::EMBEDDED;

use super::*;

async fn open(site: &Site, path: &str) -> Answer {
    site.get(path).send_to(site.router.clone()).await
}

#[tokio::test]
async fn the_program_has_its_pages_or_says_how_to_build_them() {
    let site = Site::new().await;
    for (path, file) in [
        ("/", "index.html"),
        ("/console", "console.html"),
        ("/lab", "lab.html"),
    ] {
        let answer = open(&site, path).await;
        let built = EMBEDDED.find(file).is_some();
        assert_eq!(answer.status == StatusCode::OK, built, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.text.contains("make pages"), !built);
    }
    let lead = open(&site, "/jwt_tests.html").await;
    assert_eq!(lead.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(lead.header("location"), Some("/lab"));
}

#[tokio::test]
async fn pages_are_for_the_same_hosts_and_origins_as_the_calls() {
    let site = Site::new().await;
    let strange = site.get("/").header("host", "evil.example");
    strange.send().await.problem(403, "forbidden");
    let strange = site
        .get("/jwt_utils.js")
        .header("host", "localhost")
        .header("origin", "https://evil.example");
    strange.send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn pages_that_are_off_are_not_there() {
    let site = Site::with(&[("CONCLAVE_PAGES__ENABLED", "false")]).await;
    for path in [
        "/",
        "/console",
        "/lab",
        "/jwt_tests.html",
        "/assets/none.js",
    ] {
        site.get(path).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_no_page_stays_a_problem() {
    let site = Site::new().await;
    for path in ["/none", "/assets/none.js", "/console/none", "/package.json"] {
        site.get(path).send().await.problem(404, "not_found");
    }
    let posted = site.post("/").send().await;
    assert_eq!(posted.header("allow"), Some("GET,HEAD"));
    posted.problem(405, "bad_request");
}
