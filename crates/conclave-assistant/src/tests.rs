use std::time::Duration;

use conclave_core::{Completion, CompletionFault, Ending, Stage, Token, TokenStream};
use conclave_protocol::{Finish, Usage};
use conclave_testkit::ports::{Prompter, completion_conformance, question, whole};
use conclave_testkit::{Beat, StreamServer, token};
use proptest::prelude::*;

use crate::events::{EVENT_BYTES_MAX, Events, TooLong};
use crate::{OpenAi, Options, OptionsFault, Patience, Vocabulary};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(300);
const SHORT: Duration = Duration::from_millis(50);
const CALM: Patience = Patience {
    connect: LONG,
    first: LONG,
    next: LONG,
    whole: LONG,
};

fn options(base_url: String) -> Options {
    Options {
        base_url,
        key: None,
        model: "small".to_owned(),
        vocabulary: Vocabulary::O200k,
        patience: CALM,
        concurrency: 4,
        answer_bytes: 64 * 1024,
    }
}

fn stage() -> (StreamServer, OpenAi) {
    stage_with(|_| {})
}

fn stage_with(change: impl FnOnce(&mut Options)) -> (StreamServer, OpenAi) {
    // Another test may have installed it.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let server = StreamServer::start();
    let mut options = options(server.base_url());
    change(&mut options);
    (server, OpenAi::new(options).unwrap())
}

async fn answer(asked: &OpenAi) -> (String, Result<Ending, CompletionFault>) {
    match asked.begin(question("hello")).await {
        Ok(mut stream) => whole(&mut *stream).await,
        Err(fault) => (String::new(), Err(fault)),
    }
}

async fn fault(asked: &OpenAi) -> CompletionFault {
    answer(asked).await.1.unwrap_err()
}

async fn text(stream: &mut dyn TokenStream) -> String {
    match stream.next().await {
        Ok(Token::Text(text)) => text.into(),
        other => panic!("{other:?} where text was to come"),
    }
}

struct Told(StreamServer, OpenAi);

impl Prompter for Told {
    type Asked = OpenAi;

    fn completion(&self) -> &OpenAi {
        &self.1
    }

    fn tell(&self, texts: &[&'static str], end: Result<Finish, CompletionFault>) {
        if end == Err(CompletionFault::Refused) {
            return self.0.answer([Beat::Status(400, "", "{}")]);
        }
        let mut beats = vec![Beat::Head];
        beats.extend(texts.iter().map(|text| Beat::Token(text)));
        if let Ok(finish) = end {
            beats.extend([Beat::Stop(finish.name()), Beat::End]);
        }
        self.0.answer(beats);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_is_a_completion() {
    let (server, asked) = stage();
    completion_conformance(&Told(server, asked)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_asks_as_the_interface_says() {
    let (server, asked) = stage_with(|options| options.key = Some("a key".to_owned()));
    server.answer([Beat::Head, Beat::Stop("stop"), Beat::End]);
    answer(&asked).await.1.unwrap();
    let asked = server.asked(1).remove(0);
    assert_eq!(asked.head[0], "POST /v1/chat/completions HTTP/1.1");
    let has = |line: &str| asked.head.iter().any(|header| header == line);
    assert!(has("authorization: Bearer a key"), "{:?}", asked.head);
    assert!(has("content-type: application/json"));
    assert_eq!(
        asked.body,
        r#"{"model":"small","messages":[{"role":"user","content":"hello"}],"max_tokens":100,"stream":true,"stream_options":{"include_usage":true}}"#
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tokens_come_as_they_are_said() {
    let (server, asked) = stage();
    server.answer([
        Beat::Head,
        Beat::Token("one"),
        Beat::Wait,
        Beat::Token("two"),
        Beat::Wait,
        Beat::Stop("stop"),
        Beat::End,
    ]);
    let mut stream = asked.begin(question("hello")).await.unwrap();
    assert_eq!(text(&mut *stream).await, "one");
    server.go_on();
    assert_eq!(text(&mut *stream).await, "two");
    server.go_on();
    assert!(matches!(stream.next().await, Ok(Token::End(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_in_single_bytes_is_the_same_answer() {
    let (server, asked) = stage();
    let written = format!(
        "\u{feff}: hello\r\n\r\nevent: x\r\ndata:{}\r\n\r\ndata: {}\n\ndata: [DONE]\n\n",
        token("grüße "),
        token("\u{1f600}")
    );
    server.answer([Beat::Head, Beat::Slowly(written), Beat::End]);
    let (said, end) = answer(&asked).await;
    assert_eq!(said, "grüße \u{1f600}");
    assert_eq!(end.unwrap().finish, Finish::Stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_comes_beside_the_text_says_nothing() {
    let (server, asked) = stage();
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#;
    let other = r#"{"choices":[{"index":1,"delta":{"content":"not this"}}]}"#;
    let after = r#"{"choices":[{"index":0,"delta":{"content":"nor this"}}]}"#;
    server.answer([
        Beat::Head,
        Beat::Event(role.to_owned()),
        Beat::Event(other.to_owned()),
        Beat::Token("yes"),
        Beat::Stop("stop"),
        Beat::Event(after.to_owned()),
        Beat::End,
    ]);
    assert_eq!(answer(&asked).await.0, "yes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_event_that_is_no_json_ends_the_answer() {
    let (server, asked) = stage();
    server.answer([
        Beat::Head,
        Beat::Token("one"),
        Beat::Event("{not json".to_owned()),
        Beat::Token("two"),
        Beat::Stop("stop"),
        Beat::End,
    ]);
    let (said, end) = answer(&asked).await;
    assert_eq!(
        (said.as_str(), end),
        ("one", Err(CompletionFault::Malformed))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_in_the_stream_ends_the_answer() {
    let (server, asked) = stage();
    let error = r#"{"error":{"message":"overloaded","code":503}}"#;
    server.answer([
        Beat::Head,
        Beat::Token("one"),
        Beat::Event(error.to_owned()),
        Beat::End,
    ]);
    assert_eq!(fault(&asked).await, CompletionFault::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_ends_too_early_is_cut_off() {
    let (server, asked) = stage();
    server.answer([Beat::Head, Beat::Token("one"), Beat::End]);
    assert_eq!(fault(&asked).await, CompletionFault::CutOff);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_that_is_no_stream_is_malformed() {
    let (server, asked) = stage();
    let kind = "content-type: application/json\r\n";
    server.answer([Beat::Status(200, kind, r#"{"choices":[]}"#)]);
    assert_eq!(fault(&asked).await, CompletionFault::Malformed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_busy_provider_is_asked_again_when_it_says_so() {
    let (server, asked) = stage();
    server.answer([Beat::Status(429, "retry-after: 0\r\n", "{}")]);
    server.answer([Beat::Status(503, "retry-after: 0\r\n", "")]);
    server.answer([
        Beat::Head,
        Beat::Token("yes"),
        Beat::Stop("stop"),
        Beat::End,
    ]);
    assert_eq!(answer(&asked).await.0, "yes");
    assert_eq!(server.asked(3).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_provider_that_is_busy_for_long_is_not_waited_for() {
    let (server, asked) = stage();
    server.answer([Beat::Status(429, "retry-after: 3600\r\n", "{}")]);
    let retry_after = Some(Duration::from_secs(3600));
    assert_eq!(fault(&asked).await, CompletionFault::Busy { retry_after });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_provider_that_stays_busy_is_not_asked_for_ever() {
    let (server, asked) = stage();
    for _ in 0..3 {
        server.answer([Beat::Status(429, "retry-after: 0\r\n", "{}")]);
    }
    let retry_after = Some(Duration::ZERO);
    assert_eq!(fault(&asked).await, CompletionFault::Busy { retry_after });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_statuses_are_told_apart() {
    let (server, asked) = stage();
    for (status, expected) in [
        (401, CompletionFault::Refused),
        (404, CompletionFault::Refused),
        (301, CompletionFault::Unavailable),
        (500, CompletionFault::Unavailable),
        (502, CompletionFault::Unavailable),
        (204, CompletionFault::Malformed),
    ] {
        server.answer([Beat::Status(
            status,
            "location: http://127.0.0.1:1/\r\n",
            "",
        )]);
        assert_eq!(fault(&asked).await, expected, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_there_is_unavailable() {
    let (server, asked) = stage_with(|options| {
        options.base_url = "http://127.0.0.1:1/v1".to_owned();
    });
    drop(server);
    assert_eq!(fault(&asked).await, CompletionFault::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_silent_provider_is_given_up() {
    let (server, asked) = stage_with(|options| options.patience.first = SHORT);
    server.answer([Beat::Hang]);
    assert_eq!(fault(&asked).await, CompletionFault::Late(Stage::First));
    server.left(1);
    server.answer([
        Beat::Head,
        Beat::Slowly(": still here\n\n".to_owned()),
        Beat::Hang,
    ]);
    assert_eq!(fault(&asked).await, CompletionFault::Late(Stage::First));
    server.left(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_provider_that_falls_silent_is_given_up() {
    let (server, asked) = stage_with(|options| options.patience.next = SHORT);
    server.answer([Beat::Head, Beat::Token("one"), Beat::Hang]);
    let (said, end) = answer(&asked).await;
    assert_eq!(said, "one");
    assert_eq!(end, Err(CompletionFault::Late(Stage::Next)));
    server.left(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let (server, asked) = stage_with(|options| {
        options.patience.whole = Duration::from_secs(2);
        options.answer_bytes = usize::MAX;
    });
    server.answer([Beat::Head, Beat::Forever("on ")]);
    let (said, end) = answer(&asked).await;
    assert!(said.starts_with("on on "));
    assert_eq!(end, Err(CompletionFault::Late(Stage::Whole)));
    server.left(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_without_end_is_cut_at_its_length() {
    let (server, asked) = stage_with(|options| options.answer_bytes = 1000);
    server.answer([Beat::Head, Beat::Forever("ö n ")]);
    let (said, end) = answer(&asked).await;
    assert!((999..=1000).contains(&said.len()), "{}", said.len());
    assert_eq!(end.unwrap().finish, Finish::Length);
    server.left(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_end_without_usage_is_an_end() {
    let (server, asked) = stage();
    let end = r#"{"choices":[{"index":0,"delta":{"content":"."},"finish_reason":"stop"}]}"#;
    server.answer([Beat::Head, Beat::Event(end.to_owned()), Beat::End]);
    let (said, end) = answer(&asked).await;
    let expected = Ending {
        finish: Finish::Stop,
        model: "small".into(),
        usage: None,
    };
    assert_eq!((said.as_str(), end), (".", Ok(expected)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dropped_answer_ends_at_the_provider() {
    let (server, asked) = stage();
    server.answer([Beat::Head, Beat::Token("one"), Beat::Hang]);
    let mut stream = asked.begin(question("hello")).await.unwrap();
    assert_eq!(text(&mut *stream).await, "one");
    drop(stream);
    server.left(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_more_answers_at_a_time_than_there_are_places() {
    let (server, asked) = stage_with(|options| {
        options.concurrency = 1;
        options.patience.first = Duration::from_secs(2);
    });
    server.answer([Beat::Head, Beat::Token("one"), Beat::Hang]);
    let mut first = asked.begin(question("hello")).await.unwrap();
    assert_eq!(text(&mut *first).await, "one");
    let busy = CompletionFault::Busy { retry_after: None };
    assert_eq!(fault(&asked).await, busy);
    drop(first);
    server.answer([
        Beat::Head,
        Beat::Token("two"),
        Beat::Stop("stop"),
        Beat::End,
    ]);
    assert_eq!(answer(&asked).await.0, "two");
    assert_eq!(server.asked(2).len(), 2);
}

#[test]
fn options_are_looked_at() {
    for url in ["", "x", "ftp://h/v1", "file:///etc/passwd"] {
        let refused = OpenAi::new(options(url.to_owned()));
        assert_eq!(refused.unwrap_err(), OptionsFault::BaseUrl, "{url:?}");
    }
    let bad = Options {
        key: Some("a\nb".to_owned()),
        ..options("https://h/v1/".to_owned())
    };
    assert_eq!(OpenAi::new(bad).unwrap_err(), OptionsFault::Key);
}

#[test]
fn both_vocabularies_count() {
    for vocabulary in [Vocabulary::Cl100k, Vocabulary::O200k] {
        let (_server, asked) = stage_with(|options| options.vocabulary = vocabulary);
        assert_eq!(asked.tokens("Hello, world!", 100), Some(4));
        let hostile = "a".repeat(200_000);
        assert_eq!(asked.tokens(&hostile, 1000), None);
    }
}

#[test]
fn an_event_is_not_longer_than_it_may_be() {
    let mut events = Events::default();
    let line = vec![b'x'; EVENT_BYTES_MAX + 1];
    assert_eq!(events.push(&line, |_| {}), Err(TooLong));
    let mut events = Events::default();
    let many = b"data: 0123456789\n".repeat(EVENT_BYTES_MAX / 10);
    assert_eq!(events.push(&many, |_| {}), Err(TooLong));
}

proptest! {
    #[test]
    fn events_are_the_same_however_they_are_cut(
        data in prop::collection::vec("[a-z{}\": ]{0,12}", 0..8),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 16),
        cuts in prop::collection::vec(1_usize..7, 1..40),
    ) {
        let mut written = Vec::new();
        for (index, text) in data.iter().enumerate() {
            let end = ends[index % ends.len()];
            written.extend_from_slice(format!("data: {text}{end}: note{end}{end}").as_bytes());
        }
        let mut events = Events::default();
        let mut heard = Vec::new();
        let mut rest = written.as_slice();
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            events.push(now, |data| heard.push(String::from_utf8(data.to_vec()).unwrap())).unwrap();
            rest = later;
        }
        prop_assert_eq!(heard, data);
    }

    #[test]
    fn no_bytes_break_the_stream(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut events = Events::default();
        let taken = events.push(&bytes, |_| {});
        prop_assert!(taken.is_ok());
    }
}

#[test]
fn usage_adds_up() {
    let one = Usage {
        prompt: 7,
        completion: 3,
    };
    assert_eq!(one.plus(one).total(), 20);
}
