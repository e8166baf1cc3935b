//! The assistant on a model in memory: what the room hears, and what is stored.

use std::pin::Pin;
use std::time::Duration;

use conclave_protocol::{
    AskAssistant, CancelAnswer, Clock, Finish, LeaveRoom, Message, UpdateRoom, Usage,
};
use proptest::prelude::*;

use super::*;
use crate::{
    AnswerLedger as _, AnswerParts, AnswerPolicy, AnswerWitness, AnsweredRooms, Assistant,
    CompletionFault, Ending, MemoryCompletion, MemoryLedger, Speaker, Token, Turn,
};

const ASKER: [&str; 4] = [
    "chat:send",
    "conversation.read",
    "room.create",
    "assistant.use",
];

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        moment(1_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Who was refused, and why.
#[derive(Default)]
struct Refused(Mutex<Vec<String>>);

impl AnswerWitness for Refused {
    fn began(&self, after: Duration) {
        assert_eq!(after, Duration::ZERO, "the clock stands");
    }

    fn refused(&self, user: &UserId, _: &RoomId, code: &'static str) {
        self.0.lock().push(format!("{user} {code}"));
    }

    fn uncounted(&self, user: &UserId, _: &RoomId, usage: Usage) {
        let tokens = usage.total();
        self.0.lock().push(format!("{user} uncounted {tokens}"));
    }
}

/// A room of ann's with bob where the assistant is attached.
struct Scene {
    stage: Stage,
    model: MemoryCompletion,
    ledger: Arc<MemoryLedger>,
    refused: Arc<Refused>,
    assistant: Arc<Assistant>,
    room: RoomId,
    ear: Membership,
}

type Answer = Pin<Box<dyn Future<Output = ()>>>;

fn policy() -> AnswerPolicy {
    AnswerPolicy {
        user: id_of("assistant"),
        system: "be brief".into(),
        context_tokens: 100,
        answer_tokens: 50,
        waiting_per_room: 1,
        questions: 10,
        user_tokens: 0,
        window_seconds: 86_400,
        rooms: AnsweredRooms::new(["*".into()]),
    }
}

fn asker(name: &str) -> Principal {
    who(name, &ASKER)
}

fn moment(millis: u64) -> Timestamp {
    at(millis).at
}

impl Scene {
    fn new(policy: AnswerPolicy) -> Self {
        let stage = Stage::new();
        let room = stage.room("plans", RoomKind::Private, &["bob"]);
        let attach = UpdateRoom {
            room: room.clone(),
            name: None,
            description: None,
            assistant: Some(true),
        };
        let attached = now(stage.rooms.update(permit(&asker("ann"), attach), at(1)));
        assert!(attached.unwrap().assistant);
        let ear = stage.hear(&asker("bob"), &room, 7);
        let model = MemoryCompletion::default();
        let ledger = Arc::new(MemoryLedger::default());
        let refused = Arc::new(Refused::default());
        let parts = AnswerParts {
            completion: Arc::new(model.clone()),
            rooms: Arc::clone(&stage.rooms),
            ledger: Arc::clone(&ledger) as _,
            witness: Arc::clone(&refused) as _,
            clock: Arc::new(Noon),
        };
        let assistant = Arc::new(Assistant::new(parts, policy));
        stage.arrived();
        Self {
            stage,
            model,
            ledger,
            refused,
            assistant,
            room,
            ear,
        }
    }

    /// Somebody asks; what is to be answered now.
    fn ask(&self, name: &str, content: &str) -> Option<Answer> {
        let sent = self.send(name, content);
        let turn = self.turn(name, &sent)?;
        Some(Box::pin(Arc::clone(&self.assistant).answer(turn)))
    }

    fn send(&self, name: &str, content: &str) -> Message {
        let ask = text(&self.room, content);
        // A second apart: nobody sends too fast.
        let second = u64::try_from(self.stage.next_id.get()).unwrap();
        let sent = self.stage.send(&asker(name), ask, at(1000 * second));
        sent.unwrap().message
    }

    fn turn(&self, name: &str, sent: &Message) -> Option<Turn> {
        let ask = AskAssistant {
            room: self.room.clone(),
        };
        let answer = MessageId(1000 + u128::from(sent.seq));
        now(self.assistant.ask(permit(&asker(name), ask), sent, answer)).unwrap()
    }

    fn cancel(&self, who: &Principal) -> Result<(), RoomFault> {
        let room = self.room.clone();
        now(self.assistant.cancel(permit(who, CancelAnswer { room })))
    }

    fn say(&self, parts: &[&str]) {
        let parts = parts.iter().map(|part| Ok(Token::Text((*part).into())));
        self.model.say(parts);
    }

    /// What the room has heard since the last look, in short.
    fn heard(&self) -> Vec<String> {
        let news = self.stage.news().into_iter();
        news.map(|kind| match kind {
            EventKind::Answering { typing, .. } => format!("typing {typing}"),
            EventKind::AnswerPart(part) => format!("{}+{}", part.start, part.delta),
            EventKind::AnswerFailed(failed) => format!("failed {}", failed.code),
            EventKind::ContextUsed { used, limit } => format!("used {used} of {limit}"),
            EventKind::Message(message) => match &message.answer {
                Some(answer) => format!(
                    "{} of {} by {}: {}",
                    answer.finish.name(),
                    answer.usage.total(),
                    message.author.user,
                    message.content
                ),
                None => format!("{}: {}", message.author.user, message.content),
            },
            other => format!("{other:?}"),
        })
        .collect()
    }
}

fn end(finish: Finish) -> Result<Token, CompletionFault> {
    Ok(Token::End(Ending {
        finish,
        model: "small".into(),
        usage: Some(Usage {
            prompt: 7,
            completion: 3,
        }),
    }))
}

fn poll(answer: &mut Answer) -> bool {
    let context = &mut Context::from_waker(Waker::noop());
    answer.as_mut().poll(context).is_ready()
}

#[test]
fn an_answer_is_heard_as_it_is_said_and_stored_when_whole() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "how many?").unwrap();
    assert!(!poll(&mut answer));
    assert_eq!(scene.heard(), ["ann: how many?", "typing true"]);
    scene.say(&["Sev", "en"]);
    assert!(!poll(&mut answer));
    assert_eq!(scene.heard(), ["0+Sev", "3+en"]);
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut answer));
    assert_eq!(
        scene.heard(),
        [
            "stop of 10 by assistant: Seven",
            "typing false",
            "used 13 of 100"
        ]
    );
    assert_eq!(scene.model.open(), 0);
    let figures = scene.assistant.figures();
    assert_eq!(
        (figures.started, figures.stopped, figures.failed),
        (1, 1, 0)
    );
    assert_eq!((figures.running, figures.usage.total()), (0, 10));
    drop(scene.ear);
}

#[test]
fn the_model_is_told_the_newest_messages_that_there_is_room_for() {
    let scene = Scene::new(AnswerPolicy {
        context_tokens: 30,
        ..policy()
    });
    scene.send("bob", "this one is far too long ago to be told once more");
    scene.send("bob", "one two three");
    let mut answer = scene.ask("ann", "and now?").unwrap();
    assert!(!poll(&mut answer));
    let prompt = scene.model.asked().remove(0);
    let lines: Vec<_> = prompt
        .lines
        .iter()
        .map(|line| (line.speaker, &*line.text))
        .collect();
    assert_eq!(
        lines,
        [
            (Speaker::System, "be brief"),
            (Speaker::User, "bob: one two three"),
            (Speaker::User, "ann: and now?")
        ]
    );
    assert_eq!(prompt.answer_tokens, 50);
}

#[test]
fn a_question_that_is_too_long_is_cut() {
    let scene = Scene::new(AnswerPolicy {
        context_tokens: 16,
        ..policy()
    });
    let mut answer = scene
        .ask("ann", "one two three four five six seven")
        .unwrap();
    assert!(!poll(&mut answer));
    let prompt = scene.model.asked().remove(0);
    assert_eq!(prompt.lines.len(), 2);
    let told = &*prompt.lines[1].text;
    assert!(told.starts_with("ann: one two three four five"), "{told}");
    assert!(!told.contains("seven"), "{told}");
}

#[test]
fn earlier_answers_are_told_as_the_models_own() {
    let scene = Scene::new(policy());
    for (question, said) in [("first", "yes"), ("second", "no")] {
        scene.say(&[said]);
        scene.model.say([end(Finish::Stop)]);
        assert!(poll(&mut scene.ask("ann", question).unwrap()));
    }
    let prompt = scene.model.asked().remove(1);
    let told = prompt.lines.iter().map(|line| (line.speaker, &*line.text));
    let told: Vec<_> = told.skip(1).collect();
    let expected = [
        (Speaker::User, "ann: first"),
        (Speaker::Assistant, "yes"),
        (Speaker::User, "ann: second"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_fault_in_the_middle_stores_nothing() {
    let scene = Scene::new(policy());
    scene.say(&["Sev"]);
    scene.model.say([Err(CompletionFault::CutOff)]);
    assert!(poll(&mut scene.ask("ann", "how many?").unwrap()));
    assert_eq!(
        scene.heard(),
        [
            "ann: how many?",
            "typing true",
            "0+Sev",
            "failed cut_off",
            "typing false",
            "used 13 of 100"
        ]
    );
    assert_eq!(scene.stage.rooms.answer_so_far(&scene.room), None);
}

#[test]
fn an_answer_of_no_words_is_none() {
    let scene = Scene::new(policy());
    scene.say(&[" \n"]);
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut scene.ask("ann", "how many?").unwrap()));
    assert!(scene.heard().contains(&"failed malformed".to_owned()));
}

#[test]
fn the_asker_the_owner_and_moderators_stop_an_answer() {
    for (stopper, may) in [
        (asker("bob"), true),
        (asker("ann"), true),
        (who("max", &["chat:moderate"]), true),
        (asker("eve"), false),
    ] {
        let scene = Scene::new(policy());
        let mut answer = scene.ask("bob", "how many?").unwrap();
        scene.say(&["Sev"]);
        assert!(!poll(&mut answer));
        scene.heard();
        let stopped = scene.cancel(&stopper);
        assert_eq!(stopped.is_ok(), may);
        assert_eq!(poll(&mut answer), may);
        if may {
            let heard = scene.heard();
            assert!(heard[0].starts_with("cancelled of "), "{heard:?}");
            assert!(heard[0].ends_with(" by assistant: Sev"), "{heard:?}");
            assert_eq!(scene.model.open(), 0, "the model is told");
        } else {
            assert_eq!(stopped.unwrap_err().refusal(), Refusal::NotFound);
        }
        let told = scene.stage.told();
        assert_eq!(told.len(), usize::from(stopper.user == Some(id_of("max"))));
    }
}

#[test]
fn another_member_does_not_stop_an_answer() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "how many?").unwrap();
    assert!(!poll(&mut answer));
    let fault = scene.cancel(&asker("bob")).unwrap_err();
    assert_eq!(fault.refusal(), Refusal::Forbidden);
}

#[test]
fn what_is_stopped_before_it_begins_fails() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "how many?").unwrap();
    assert!(!poll(&mut answer));
    scene.cancel(&asker("ann")).unwrap();
    assert!(poll(&mut answer));
    assert!(scene.heard().contains(&"failed cancelled".to_owned()));
    let fault = scene.cancel(&asker("ann")).unwrap_err();
    assert_eq!(fault.message(), "no answer is running");
}

#[test]
fn a_second_question_waits_and_a_third_is_refused() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "one").unwrap();
    assert!(!poll(&mut answer));
    assert!(scene.ask("bob", "two").is_none());
    assert!(scene.ask("bob", "three").is_none());
    let heard = scene.heard();
    assert_eq!(heard.last().unwrap(), "failed busy");
    assert_eq!(scene.model.asked().len(), 1);
    assert_eq!(scene.assistant.figures().waiting, 1);
    scene.say(&["1"]);
    scene.model.say([end(Finish::Stop)]);
    assert!(!poll(&mut answer));
    assert_eq!(scene.model.asked().len(), 2);
    scene.say(&["2"]);
    scene.model.say([end(Finish::Length)]);
    assert!(poll(&mut answer));
    let heard = scene.heard();
    let ends: Vec<_> = heard
        .iter()
        .filter(|text| text.contains(" of 10 "))
        .collect();
    let expected = ["stop of 10 by assistant: 1", "length of 10 by assistant: 2"];
    assert_eq!(ends, expected);
    assert!(scene.ask("ann", "four").is_some());
}

#[test]
fn who_comes_late_gets_the_answer_so_far() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "how many?").unwrap();
    assert_eq!(scene.stage.rooms.answer_so_far(&scene.room), None);
    scene.say(&["Sev", "en"]);
    assert!(!poll(&mut answer));
    let part = scene.stage.rooms.answer_so_far(&scene.room).unwrap();
    assert_eq!((part.start, &*part.delta, part.end()), (0, "Seven", 5));
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut answer));
    assert_eq!(scene.stage.rooms.answer_so_far(&scene.room), None);
}

#[test]
fn what_is_no_question_is_not_answered() {
    let scene = Scene::new(policy());
    let sent = scene.send("ann", "hello");
    assert!(scene.turn("bob", &sent).is_none(), "of somebody else");
    let file = SendMessage {
        kind: MessageKind::File,
        ..text(&scene.room, "https://x/y")
    };
    let file = scene.stage.send(&asker("ann"), file, at(3)).unwrap();
    assert!(scene.turn("ann", &file.message).is_none());
    let detach = UpdateRoom {
        room: scene.room.clone(),
        name: None,
        description: None,
        assistant: Some(false),
    };
    now(scene
        .stage
        .rooms
        .update(permit(&asker("ann"), detach), at(4)))
    .unwrap();
    scene.assistant.look_again(&scene.room);
    assert!(scene.turn("ann", &sent).is_none());
    let ask = AskAssistant {
        room: scene.room.clone(),
    };
    assert!(authorise(&user("ann"), ask).is_err());
}

#[test]
fn a_budget_is_for_a_window() {
    let scene = Scene::new(AnswerPolicy {
        user_tokens: 10,
        ..policy()
    });
    scene.say(&["1"]);
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut scene.ask("ann", "one").unwrap()));
    scene.heard();
    assert!(poll(&mut scene.ask("ann", "two").unwrap()));
    assert_eq!(scene.heard(), ["ann: two", "failed budget_exhausted"]);
    assert_eq!(*scene.refused.0.lock(), ["ann budget_exhausted"]);
    let kept = now(scene.ledger.of_room(&scene.room)).unwrap();
    assert_eq!((kept.answers, kept.usage.total()), (1, 10));
    let budget = now(scene.assistant.budget_of(&id_of("ann"))).unwrap();
    assert_eq!((budget.tokens, budget.spent.in_window), (Some(10), 10));
    assert_eq!(budget.renews_in, 6_399);
    scene.say(&["3"]);
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut scene.ask("bob", "three").unwrap()));
    assert!(scene.heard()[3].starts_with("stop of 10"));
}

#[test]
fn what_the_ledger_does_not_keep_is_told() {
    let scene = Scene::new(policy());
    scene.say(&["1"]);
    scene.model.say([end(Finish::Stop)]);
    scene.ledger.close();
    assert!(poll(&mut scene.ask("ann", "one").unwrap()));
    assert!(scene.heard()[3].starts_with("stop of 10"));
    assert_eq!(*scene.refused.0.lock(), ["ann uncounted 10"]);
}

#[test]
fn a_dropped_answer_leaves_its_room_free() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "one").unwrap();
    scene.say(&["1"]);
    assert!(!poll(&mut answer));
    assert!(scene.ask("bob", "wait").is_none());
    scene.heard();
    drop(answer);
    assert_eq!(
        scene.heard(),
        ["failed interrupted", "typing false", "failed interrupted"]
    );
    assert_eq!(scene.assistant.figures().running, 0);
    assert_eq!(scene.stage.rooms.answer_so_far(&scene.room), None);
    assert!(scene.ask("ann", "two").is_some());
}

#[test]
fn an_answer_to_a_room_that_is_gone_fails() {
    let scene = Scene::new(policy());
    let mut answer = scene.ask("ann", "one").unwrap();
    scene.say(&["1"]);
    assert!(!poll(&mut answer));
    let leave = LeaveRoom {
        room: scene.room.clone(),
        delete: true,
    };
    now(scene.stage.rooms.leave(permit(&asker("ann"), leave), at(5))).unwrap();
    scene.model.say([end(Finish::Stop)]);
    assert!(poll(&mut answer));
    assert_eq!(scene.assistant.figures().failed, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Ask,
    Cancel,
    Text,
    End,
    Fault,
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![
        Step::Ask,
        Step::Cancel,
        Step::Text,
        Step::Text,
        Step::End,
        Step::Fault,
        Step::Poll,
        Step::Poll,
    ])
}

proptest! {
    #[test]
    fn exactly_one_end(steps in prop::collection::vec(step(), 0..60)) {
        let scene = Scene::new(AnswerPolicy { waiting_per_room: 3, ..policy() });
        let mut answers: Vec<Answer> = Vec::new();
        let mut asked = 0;
        for step in steps {
            match step {
                Step::Ask => {
                    asked += 1;
                    answers.extend(scene.ask("ann", "?"));
                }
                // There may be none.
                Step::Cancel => drop(scene.cancel(&asker("ann"))),
                Step::Text => scene.say(&["x "]),
                Step::End => scene.model.say([end(Finish::Stop)]),
                Step::Fault => scene.model.say([Err(CompletionFault::CutOff)]),
                Step::Poll => answers.retain_mut(|answer| !poll(answer)),
            }
            prop_assert!(answers.len() <= 1, "one at a time");
        }
        while !answers.is_empty() {
            scene.model.say([Err(CompletionFault::CutOff)]);
            answers.retain_mut(|answer| !poll(answer));
        }
        let mut ended = Vec::new();
        let mut at_work = false;
        for kind in scene.stage.news() {
            match kind {
                EventKind::Answering { typing, .. } => {
                    prop_assert_eq!(typing, !at_work);
                    at_work = typing;
                }
                EventKind::AnswerPart(part) => {
                    prop_assert!(at_work && !ended.contains(&part.message));
                }
                EventKind::AnswerFailed(failed) => ended.push(failed.message),
                EventKind::Message(message) if message.answer.is_some() => ended.push(message.id),
                _ => {}
            }
        }
        prop_assert_eq!(ended.len(), asked);
        ended.sort_unstable();
        ended.dedup();
        prop_assert_eq!(ended.len(), asked);
        let figures = scene.assistant.figures();
        prop_assert_eq!((figures.running, figures.waiting, scene.model.open()), (0, 0, 0));
    }
}
