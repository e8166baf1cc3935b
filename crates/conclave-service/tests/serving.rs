//! What a connection does in time: pings, silence, slow readers, handlers that never end. The
//! clock of these tests is tokio's, which stands still until everybody waits.
#![expect(clippy::unwrap_used, reason = "tests, and what they are made of")]

use std::time::Duration;

use conclave_service::testing::{Access, Harness, Heard};
use conclave_service::{
    Address, AsyncApiError, AsyncApiResult, AuditKind, Call, ChannelSpec, Client, ClientConfig,
    ClientError, Correlation, Dispatch, Limits, Location, OperationSpec, Push, Reject, Said,
    ServerConfig, Service, ServiceSpec, Spelling, TlsConfig, memory_pair, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ECHO: usize = 0;
const STUCK: usize = 1;
const TOLD: usize = 2;
const BY_HEADER: usize = 3;
const BY_PAYLOAD: usize = 4;
const IN_ROOM: usize = 5;

static SPEC: ServiceSpec = ServiceSpec::new("Echo", "1")
    .channels(&[
        ChannelSpec::new("all", "all"),
        ChannelSpec::new("room", "rooms/{room}").locations(&[("room", Location::Payload("/room"))]),
    ])
    .operations(&[
        OperationSpec::receive("echo", 0).replies(),
        OperationSpec::receive("stuck", 0).replies(),
        OperationSpec::send("told", 0),
        OperationSpec::receive("byHeader", 0)
            .replies()
            .correlation(Correlation::Header("/ids/correlation"))
            .reply_correlation(Correlation::Header("/ids/correlation")),
        OperationSpec::receive("byPayload", 0)
            .replies()
            .correlation(Correlation::Payload("/reqid"))
            .reply_correlation(Correlation::Payload("/reqid")),
        OperationSpec::receive("inRoom", 1).replies(),
    ]);

struct Echo;

impl Dispatch for Echo {
    async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
        match route {
            ECHO | BY_HEADER | BY_PAYLOAD => call.reply(call.raw_payload()),
            IN_ROOM => call.reply(&[
                call.context().channel(),
                call.context().parameter("room").unwrap(),
            ]),
            STUCK => std::future::pending().await,
            _ => Err(AsyncApiError::unknown_operation()),
        }
    }
}

fn all() -> Address {
    SPEC.address(0, &[]).unwrap()
}

fn harness() -> Harness<Echo> {
    Harness::new(&SPEC, Echo).unwrap()
}

async fn client(harness: &Harness<Echo>) -> Client {
    let stream = harness.stream().await.unwrap();
    let config = ClientConfig::new("ws://service.test");
    Client::over(&SPEC, stream, config).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_silent_is_pinged_and_then_closed() {
    let (transport, mut peer) = memory_pair();
    let service = harness().service().clone();
    let session = service.open(Default::default(), None, None).await.unwrap();
    let connection = async move {
        assert_eq!(peer.next().await, Some(Said::Ping), "after 25 s");
        assert_eq!(peer.next().await, Some(Said::Ping), "after 50 s");
        let end = Said::Close(1001, "no sign of life".to_owned());
        assert_eq!(peer.next().await, Some(end), "after 60 s");
    };
    tokio::join!(serve(session, transport), connection);
    assert_eq!(service.connections().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_is_given_up_and_the_next_one_served() {
    let (transport, mut peer) = memory_pair();
    let service = harness().service().clone();
    let session = service.open(Default::default(), None, None).await.unwrap();
    let client = async move {
        for (operation, id) in [("stuck", "1"), ("echo", "2")] {
            let text = json!({"operation": operation, "correlation_id": id, "payload": [7]});
            assert!(peer.send(text.to_string()).await);
        }
        let mut said = Vec::new();
        while said.len() < 2 {
            if let Some(Said::Message(text)) = peer.next().await {
                said.push(serde_json::from_str::<Value>(&text).unwrap());
            }
        }
        assert_eq!(said[0].pointer("/error/code").unwrap(), "unavailable");
        assert_eq!(said[0]["correlation_id"], "1");
        assert_eq!(said[1]["payload"], json!([7]));
        assert_eq!(said[1]["correlation_id"], "2");
    };
    tokio::join!(serve(session, transport), client);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_is_ended() {
    let harness = harness();
    let mut stream = harness.stream().await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_is_closed_and_nobody_waits_for_them() {
    let limits = Limits {
        outbox_bytes: 10_000,
        ..Limits::default()
    };
    let harness = Harness::with(&SPEC, Echo, |builder| builder.limits(limits)).unwrap();
    let mut slow = harness.connect(&Access::none()).await.unwrap();
    let mut fast = harness.connect(&Access::none()).await.unwrap();
    let publisher = harness.service().publisher();
    let text = "x".repeat(4000);
    let mut reached = 2;
    while reached == 2 {
        reached = publisher.publish(TOLD, &all(), &text).unwrap().connections;
        // The one that reads does so; the other's pipe and outbox fill.
        fast.message().await.unwrap();
    }
    assert_eq!(reached, 1);
    fast.ping().await.unwrap();
    assert_eq!(fast.next().await.unwrap(), Heard::SignOfLife);
    let end = loop {
        match slow.next().await.unwrap() {
            Heard::Message(_) => {}
            end => break end,
        }
    };
    assert!(
        matches!(end, Heard::Closed { code: 1013, .. } | Heard::Ended),
        "{end:?}"
    );
    assert!(harness.witness().saw(AuditKind::LimitHit, None));
}

#[tokio::test]
async fn garbage_is_answered_by_http_or_a_close_code_and_never_served() {
    let harness = harness();
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\nHost: h\r\n\r\n", "400"),
        ("\0\0\0\0\r\n\r\n", "400"),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            "426",
        ),
    ] {
        let mut stream = harness.stream().await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
    let mut stream = harness.stream().await.unwrap();
    let long = format!("GET / HTTP/1.1\r\nHost: {}", "x".repeat(20_000));
    stream.write_all(long.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn correlation_ids_travel_where_the_document_says() {
    let harness = harness();
    let client = client(&harness).await;
    let by_header: Value = client
        .request(BY_HEADER, &all(), &json!({"a": 1}))
        .await
        .unwrap();
    assert_eq!(by_header, json!({"a": 1}));
    let by_payload: Value = client
        .request(BY_PAYLOAD, &all(), &json!({"reqid": 42}))
        .await
        .unwrap();
    assert_eq!(by_payload, json!({"reqid": 42}));

    let mut raw = harness.connect(&Access::none()).await.unwrap();
    raw.send(r#"{"operation":"byHeader","headers":{"ids":{"correlation":"h1"}}}"#)
        .await
        .unwrap();
    let reply = raw.message().await.unwrap();
    assert_eq!(reply.pointer("/headers/ids/correlation").unwrap(), "h1");
    assert_eq!(reply["correlation_id"], "h1");
    raw.send(r#"{"operation":"byPayload","payload":{"reqid":42}}"#)
        .await
        .unwrap();
    assert_eq!(raw.message().await.unwrap()["correlation_id"], "42");
}

#[tokio::test]
async fn a_message_may_say_itself_which_channel_it_is_for_but_not_two() {
    let harness = harness();
    let mut raw = harness.connect(&Access::none()).await.unwrap();
    for channel in [None, Some("rooms/a%2Fb")] {
        let reply = raw
            .request("inRoom", channel, r#"{"room":"a/b"}"#)
            .await
            .unwrap();
        assert_eq!(reply["payload"], json!(["rooms/a%2Fb", "a/b"]));
        assert_eq!(reply["channel"], "rooms/a%2Fb");
    }
    let named = raw.request("inRoom", Some("rooms/c"), "{}").await.unwrap();
    assert_eq!(named["payload"], json!(["rooms/c", "c"]));
    for (channel, payload) in [
        (Some("rooms/a"), r#"{"room":"b"}"#),
        (None, "{}"),
        (None, "7"),
    ] {
        let refused = raw.request("inRoom", channel, payload).await.unwrap();
        assert_eq!(
            refused.pointer("/error/details/0/field").unwrap(),
            "channel"
        );
        assert!(refused["channel"].is_null());
    }
}

/// As the document would be that calls it `message_id`.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    message_id: u32,
}

struct Speller;

impl Dispatch for Speller {
    async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
        if route == 2 {
            return call.reply(call.context().channel());
        }
        let read: Spelled = call.payload()?;
        call.reply(&read)
    }
}

static SPELLED: ServiceSpec = ServiceSpec::new("Spelled", "1")
    .both_spellings(Spelling::Snake)
    .channels(&[
        ChannelSpec::new("all", "all"),
        ChannelSpec::new("room", "rooms/{room}")
            .locations(&[("room", Location::Payload("/room_id"))]),
    ])
    .operations(&[
        OperationSpec::receive("echo", 0).replies(),
        OperationSpec::send("told", 0),
        OperationSpec::receive("inRoom", 1).replies(),
    ]);

#[tokio::test]
async fn answers_are_spelled_as_questions_and_pushes_as_the_handshake_or_the_last_question() {
    let harness = Harness::new(&SPELLED, Speller).unwrap();
    let mut last = harness.connect(&Access::none()).await.unwrap();
    let camel = Access::none().with_query("case", "camel");
    let mut asked = harness.connect(&camel).await.unwrap();
    for payload in [json!({"message_id": 1}), json!({"messageId": 1})] {
        for raw in [&mut last, &mut asked] {
            let text = payload.to_string();
            let reply = raw.request("echo", None, &text).await.unwrap();
            assert_eq!(reply["payload"], payload);
        }
    }
    let wrong = last
        .request("echo", None, r#"{"messageId":"x"}"#)
        .await
        .unwrap();
    assert_eq!(
        wrong.pointer("/error/details/0/field").unwrap(),
        "messageId"
    );
    let placed = last
        .request("inRoom", None, r#"{"roomId":"a"}"#)
        .await
        .unwrap();
    assert_eq!(placed["payload"], "rooms/a");
    let publisher = harness.service().publisher();
    let address = SPELLED.address(0, &[]).unwrap();
    let mut told = async |last_is: &str, asked_is: &str| {
        publisher
            .publish(1, &address, &Spelled { message_id: 2 })
            .unwrap();
        let push = last.message().await.unwrap();
        assert_eq!(push["payload"], json!({last_is: 2}), "{push}");
        assert!(
            push.get("correlation_id").is_some(),
            "the envelope stays as it is"
        );
        assert_eq!(
            asked.message().await.unwrap()["payload"],
            json!({asked_is: 2})
        );
        last.request("echo", None, r#"{"message_id":1}"#)
            .await
            .unwrap();
        asked
            .request("echo", None, r#"{"message_id":1}"#)
            .await
            .unwrap();
    };
    told("messageId", "messageId").await;
    told("message_id", "messageId").await;
}

#[tokio::test]
async fn many_requests_on_one_connection_find_their_own_replies() {
    let limits = Limits {
        messages_per_second: 0,
        ..Limits::default()
    };
    let harness = Harness::with(&SPEC, Echo, |builder| builder.limits(limits)).unwrap();
    let client = client(&harness).await;
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..300 {
        let client = client.clone();
        requests.spawn(async move {
            let text = format!("{number}-{}", "x".repeat(2000));
            let reply: String = client.request(ECHO, &all(), &text).await.unwrap();
            assert_eq!(reply, text);
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_says_what_it_lacks() {
    let harness = harness();
    let stream = harness.stream().await.unwrap();
    let config = ClientConfig::new("ws://service.test")
        .queue(2)
        .request_timeout(Duration::from_secs(1));
    let client = Client::over(&SPEC, stream, config).await.unwrap();
    let late = client
        .request::<_, Value>(STUCK, &all(), &())
        .await
        .unwrap_err();
    assert_eq!(late, ClientError::Timeout);
    let publisher = harness.service().publisher();
    let mut events = client.events::<Push>();
    for number in 0..10 {
        publisher.publish(TOLD, &all(), &number).unwrap();
    }
    // Its answer comes behind them all.
    let echo = json!([1]);
    let answered: Result<Value, _> = client.request(ECHO, &all(), &echo).await;
    assert!(matches!(answered, Ok(_) | Err(ClientError::Timeout)));
    for number in 0..2 {
        let push = events.next().await.unwrap().unwrap();
        assert_eq!(push.payload::<u8>().unwrap(), number);
    }
    client.close().await.unwrap();
    let lagged = events.next().await.unwrap().unwrap_err();
    assert_eq!(lagged, ClientError::Lagged(8));
    let end = events.next().await.unwrap().unwrap_err();
    assert!(
        matches!(end, ClientError::Closed { code: 1000, .. }),
        "{end:?}"
    );
    assert!(events.next().await.is_none());
    let again = client.events::<Push>().next().await;
    assert!(again.is_none(), "events are taken once");
}

#[tokio::test]
async fn tls_is_spoken_where_a_certificate_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, &pem).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let service = harness().service().clone();
    let config = ServerConfig {
        tls: Some(TlsConfig { certificate, key }),
        reject: Reject::Http,
        ..ServerConfig::listen("127.0.0.1:0".parse().unwrap())
    };
    let server = conclave_service::Server::bind(service, config)
        .await
        .unwrap();
    let port = server.local_addr().port();
    let client = async move {
        let url = format!("wss://localhost:{port}/");
        let unknown = Client::connect(&SPEC, ClientConfig::new(url.clone())).await;
        assert!(
            matches!(unknown, Err(ClientError::Connect(_))),
            "{unknown:?}"
        );
        let config = ClientConfig::new(url).root_certificates(pem.as_bytes());
        let client = Client::connect(&SPEC, config).await.unwrap();
        client
            .request::<_, Value>(ECHO, &all(), &json!({"a": 1}))
            .await
            .unwrap()
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = server.run(async { stopped.await.unwrap_or_default() });
    let client = async {
        assert_eq!(client.await, json!({"a": 1}));
        drop(stop);
    };
    tokio::join!(running, client);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let config = |text: &str| serde_json::from_str::<ServerConfig>(text).unwrap();
    let good = config(
        r#"{"listen":"127.0.0.1:0","path":"/chat","allowed_origins":["https://a.test:8443"],
            "reject":"http"}"#,
    );
    assert!(good.validate().is_ok());
    assert_eq!(good.reject, Reject::Http);
    for bad in [
        r#"{"listen":"127.0.0.1:0","path":"chat"}"#,
        r#"{"listen":"127.0.0.1:0","path":"/{room}"}"#,
        r#"{"listen":"127.0.0.1:0","allowed_origins":["*"]}"#,
        r#"{"listen":"127.0.0.1:0","allowed_origins":["https://a.test/"]}"#,
    ] {
        assert!(config(bad).validate().is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<ServerConfig>(r#"{"listen":"127.0.0.1:0","x":1}"#).is_err());
    let none = Limits {
        message_bytes: 0,
        ..Limits::default()
    };
    assert!(Service::builder(&SPEC, Echo).limits(none).build().is_err());
}
