use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{DEV, Site, claims, setup, text};
use crate::config::Profile;

#[tokio::test]
async fn the_form_gives_a_bearer_token() {
    let site = Site::new().await;
    let form = "username=user&password=password&grant_type=password&scope=&client_id=x";
    let answer = site.post("/token").form(form).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.cookie("access_token").is_none());
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 1800);
    assert!(!text(&body, "refresh_token").is_empty());
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
    let token = text(&body, "access_token");
    assert_eq!(claims(&token)["roles"], json!(["user"]));
    let me = site.get("/auth/me").bearer(&token).send().await.json();
    assert_eq!(me["user_id"], "user");
    let line = &site.audited("sign_in_ok")[0];
    assert_eq!(
        (&line["user"], &line["path"]),
        (&json!("user"), &json!("/token"))
    );
    assert!(!line.to_string().contains(&token));
}

#[tokio::test]
async fn json_gives_a_token_for_the_session_asked_for() {
    let site = Site::new().await;
    let body = site.sign_in("user").await;
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(3));
    let own = claims(&text(&body, "token"));
    assert_eq!(own.get("sid"), None);
    let named = claims(&site.session_token("user", "standup").await);
    assert_eq!(named["sid"], "standup");
    let stranger = json!({ "username": "admin", "password": "password", "session_id": "standup" });
    let answer = site.post("/auth/token").json(&stranger).send().await;
    assert_eq!(
        answer.problem(403, "forbidden"),
        "session_id: another user's session"
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let site = Site::new().await;
    let mut bodies = Vec::new();
    for name in ["user", "nobody-at-all", "", "a\u{7}b"] {
        let name = name.replace('\u{7}', "%07");
        let form = format!("username={name}&password=wrong");
        let answer = site.post("/token").form(&form).send().await;
        if name.is_empty() {
            assert_eq!(answer.problem(400, "bad_request"), "username: missing");
            continue;
        }
        assert_eq!(
            answer.problem(401, "unauthenticated"),
            "Incorrect username or password"
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        bodies.push(answer.text);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let wrong = json!({ "username": "user", "password": "wrong" });
    let answer = site.post("/auth/token").json(&wrong).send().await;
    assert_eq!(
        answer.problem(401, "unauthenticated"),
        "Incorrect username or password"
    );
    let lines = site.audited("sign_in_failed");
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| !line.to_string().contains("wrong")));
}

#[tokio::test]
async fn bad_forms_name_the_field() {
    let site = Site::new().await;
    let check = async |body: &str, status, expected: &str| {
        let answer = site.post("/token").form(body).send().await;
        assert_eq!(answer.problem(status, "bad_request"), expected, "{body}");
    };
    check("", 400, "username: missing").await;
    check("username=user", 400, "password: missing").await;
    check("username=user&password=", 400, "password: missing").await;
    check(
        "username=a&username=b&password=c",
        400,
        "a field occurs twice",
    )
    .await;
    check(
        "username=%ff&password=c",
        400,
        "a field of the form is not UTF-8",
    )
    .await;
    let grant = "grant_type=refresh_token&username=a&password=b";
    check(grant, 400, "grant_type: expected password").await;
    let answer = site.post("/token").json(&json!({})).send().await;
    let detail = answer.problem(415, "bad_request");
    assert_eq!(
        detail,
        "Content-Type: expected application/x-www-form-urlencoded"
    );
}

#[tokio::test]
async fn bad_json_names_the_field_and_never_shows_its_value() {
    let site = Site::new().await;
    let check = async |body: &str, expected: &str| {
        let answer = site
            .post("/auth/token")
            .raw("application/json", body)
            .send()
            .await;
        assert_eq!(answer.problem(400, "bad_request"), expected);
        assert!(!answer.text.contains("5ecret"));
    };
    check("", "username: missing").await;
    check("{}", "username: missing").await;
    check(r#"{"username":"user"}"#, "password: missing").await;
    check(
        r#"{"username":"user","password":null}"#,
        "password: missing",
    )
    .await;
    let number = r#"{"username":"user","password":["5ecret"]}"#;
    check(number, "password: a list given, expected a text").await;
    let unknown = r#"{"username":"user","password":"x","sesion_id":"5ecret"}"#;
    check(unknown, "sesion_id: unknown field").await;
    let twice = r#"{"username":"user","username":"admin","password":"x"}"#;
    let object = "the body must be one JSON object, with no field twice";
    check(twice, object).await;
    check(r#""5ecret""#, object).await;
    check("[1]", object).await;
    check("{", "not JSON: line 1, column 1").await;
    let deep = format!("{{\"username\":{}", "[".repeat(10_000));
    check(&deep, "not JSON: line 1, column 139").await;
    let answer = site
        .post("/auth/token")
        .form("username=a&password=b")
        .send()
        .await;
    assert_eq!(
        answer.problem(415, "bad_request"),
        "Content-Type: expected application/json"
    );
}

#[tokio::test]
async fn cookies_are_set_where_they_are_asked_for() {
    let site = Site::new().await.from([127, 0, 0, 1], false);
    let form = "username=user&password=password";
    let answer = site.post("/token?cookie=true").form(form).send().await;
    let (body, access) = (
        answer.json(),
        answer.cookie("access_token").expect("a cookie"),
    );
    let token = text(&body, "access_token");
    assert_eq!(
        access,
        format!("access_token={token}; Path=/; Max-Age=1800; HttpOnly; SameSite=Strict")
    );
    let refresh = answer.cookie("refresh_token").expect("a cookie");
    assert!(refresh.contains("; Path=/auth/refresh; "), "{refresh}");
    let site = site.from([192, 0, 2, 7], true);
    let wish = json!({ "username": "user", "password": "password" });
    let answer = site
        .post("/auth/token?cookie=true")
        .json(&wish)
        .send()
        .await;
    for name in ["access_token", "refresh_token"] {
        let cookie = answer.cookie(name).expect("a cookie");
        assert!(
            cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"),
            "{cookie}"
        );
    }
    let answer = site.post("/auth/token?cookie=yes").json(&wish).send().await;
    assert_eq!(
        answer.problem(400, "bad_request"),
        "cookie: expected true or false"
    );
}

#[tokio::test]
async fn plain_http_from_afar_signs_nobody_in() {
    let afar = |site: Site| site.from([192, 0, 2, 7], false);
    let wish = json!({ "username": "user", "password": "password" });
    let site = afar(Site::new().await);
    for path in ["/auth/token", "/auth/refresh"] {
        let answer = site.post(path).json(&wish).send().await;
        if path == "/auth/token" {
            assert_eq!(answer.problem(403, "forbidden"), "sign in over HTTPS");
        } else {
            answer.problem(403, "forbidden");
        }
    }
    site.post("/token")
        .form("username=user&password=password")
        .send()
        .await
        .problem(403, "forbidden");
    let allowed = [
        ("CONCLAVE_AUTH__INSECURE_HTTP", "true"),
        ("CONCLAVE_SERVER__TRUSTED_PROXIES", "192.0.2.0/24"),
    ];
    for variable in allowed {
        let site = afar(Site::with(&[variable]).await);
        let answer = site.post("/auth/token").json(&wish).send().await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{variable:?}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_refresh_token_is_replaced() {
    let site = Site::new().await;
    let first = site.sign_in("user").await;
    let ask = async |token: &str| {
        site.post("/auth/refresh")
            .json(&json!({ "refresh_token": token }))
            .send()
            .await
    };
    let old = text(&first, "refresh_token");
    let answer = ask(&old).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["access_token"], body["token"]);
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("bearer"), &json!(3600))
    );
    let successor = text(&body, "refresh_token");
    assert_ne!(successor, old);
    assert_eq!(text(&ask(&old).await.json(), "refresh_token"), successor);
    assert!(answer.cookie("access_token").is_none());
    let detail = ask("18bd.nonsense").await.problem(401, "unauthenticated");
    assert_eq!(detail, "Invalid or expired refresh token");
    let missing = site
        .post("/auth/refresh")
        .send()
        .await
        .problem(401, "unauthenticated");
    assert_eq!(missing, "refresh_token: missing");
    let answer = site
        .post("/auth/refresh")
        .json(&json!({ "refresh_token": 5 }))
        .send()
        .await;
    let detail = answer.problem(400, "bad_request");
    assert_eq!(detail, "refresh_token: a number given, expected a text");
}

#[tokio::test]
async fn a_refresh_token_used_later_ends_its_family() {
    let mut site = Site::new().await;
    let first = site.sign_in("user").await;
    let ask = async |site: &Site, token: &str| {
        site.post("/auth/refresh")
            .json(&json!({ "refresh_token": token }))
            .send()
            .await
    };
    let old = text(&first, "refresh_token");
    let second = text(&ask(&site, &old).await.json(), "refresh_token");
    let third = text(&ask(&site, &second).await.json(), "refresh_token");
    site.reviewed();
    let access = text(&first, "token");
    assert_eq!(
        site.get("/auth/me").bearer(&access).send().await.status,
        StatusCode::OK
    );
    ask(&site, &old).await.problem(401, "unauthenticated");
    assert!(site.reviewed());
    site.get("/auth/me")
        .bearer(&access)
        .send()
        .await
        .problem(401, "unauthenticated");
    ask(&site, &third).await.problem(401, "unauthenticated");
    assert_eq!(site.audited("revocation").len(), 1);
}

#[tokio::test]
async fn the_refresh_cookie_counts_only_from_an_allowed_page() {
    let site = Site::new().await;
    let wish = json!({ "username": "user", "password": "password" });
    let answer = site
        .post("/auth/token?cookie=true")
        .json(&wish)
        .send()
        .await;
    let cookie = answer.cookie("refresh_token").expect("a cookie");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let ask = || site.post("/auth/refresh").header("cookie", &cookie);
    ask().send().await.problem(401, "unauthenticated");
    ask()
        .header("origin", "https://evil.example")
        .send()
        .await
        .problem(403, "forbidden");
    let page = "http://localhost:3000";
    let answer = ask().header("origin", page).json(&json!({})).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), Some(page));
    let renewed = answer.cookie("refresh_token").expect("a cookie");
    assert!(renewed.contains(&text(&answer.json(), "refresh_token")));
    assert!(answer.cookie("access_token").is_some());
}

#[tokio::test]
async fn a_test_token_exists_in_dev_mode_only() {
    let site = Site::new().await;
    let body = site.get("/test-token").send().await.json();
    let token = text(&body, "test_token");
    assert!(!text(&body, "note").is_empty());
    let claims = claims(&token);
    let life = claims["exp"].as_f64().expect("exp") - claims["iat"].as_f64().expect("iat");
    assert!((life - 10.0 * 365.0 * 86400.0).abs() < 1.0, "{life}");
    let me = site.get("/auth/me").bearer(&token).send().await.json();
    assert_eq!(
        (&me["user_id"], &me["roles"]),
        (&json!("user"), &json!(["user"]))
    );
    let site = Site::of(Profile::default(), &[]).await;
    site.get("/test-token")
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_test_token_that_is_given_must_verify() {
    let secret = ("JWT_SECRET_KEY", "9vY2mQ4xT7bL1nR8wK5pZ3cJ6hD0fGsA");
    let site = Site::with(&[secret]).await;
    let token = text(&site.get("/test-token").send().await.json(), "test_token");
    let site = Site::with(&[secret, ("WS_TEST_TOKEN", &token)]).await;
    let body: Value = site.get("/test-token").send().await.json();
    assert_eq!(body["test_token"], token);
    assert!(text(&body, "note").contains("WS_TEST_TOKEN"));
    let (_dir, setup) = setup(DEV, &[("WS_TEST_TOKEN", &token)]);
    let refused = crate::start::start(setup, 1)
        .await
        .err()
        .expect("another key's token");
    let refused = format!("{refused:#}");
    assert!(
        refused.starts_with("WS_TEST_TOKEN: ") && !refused.contains(&token),
        "{refused}"
    );
}

#[tokio::test]
async fn public_keys_are_shown_where_there_are_some() {
    let site = Site::new().await;
    site.get("/.well-known/jwks.json")
        .send()
        .await
        .problem(404, "not_found");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("key.pem");
    let pair = rcgen::KeyPair::generate().expect("a key");
    std::fs::write(&file, pair.serialize_pem()).expect("a file");
    let variables = [
        ("CONCLAVE_AUTH__ALGORITHM", "ES256"),
        (
            "CONCLAVE_AUTH__PRIVATE_KEY_FILE",
            file.to_str().expect("text"),
        ),
    ];
    let site = Site::with(&variables).await;
    let answer = site.get("/.well-known/jwks.json").send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let key = answer.json()["keys"][0].clone();
    assert_eq!(
        (&key["alg"], &key["crv"]),
        (&json!("ES256"), &json!("P-256"))
    );
    assert_eq!(key.get("d"), None);
}
