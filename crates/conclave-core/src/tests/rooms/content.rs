use conclave_protocol::{
    CreateRoom, EditMessage, Limits, MessageKind, Refusal, RoomKind, SendMessage, UpdateProfile,
};

use super::{Stage, at, follow, id_of, moment, now, permit, refused, room_id, text, user};

/// Refused with this, or stored.
type Outcome = Option<Refusal>;

#[test]
fn content_is_one_to_two_thousand_characters_and_of_its_kind() {
    use MessageKind::{File, Image, Text};
    use Refusal::{BadRequest, TooLarge};
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &[]);
    let long = |character: &str, times| character.repeat(times);
    let cases: Vec<(MessageKind, String, Outcome)> = vec![
        (Text, String::new(), Some(BadRequest)),
        (Text, " \n\t\u{3000}".into(), Some(BadRequest)),
        (Text, "x".into(), None),
        (Text, " x ".into(), None),
        (Text, long("x", 2000), None),
        (Text, long("x", 2001), Some(TooLarge)),
        // Characters count, not bytes.
        (Text, long("é", 2000), None),
        (Text, long("é", 2001), Some(TooLarge)),
        (Text, long("𝄞", 2000), None),
        (Text, long("𝄞", 2001), Some(TooLarge)),
        (Image, "https://example.org/cat.png".into(), None),
        (File, "https://example.org".into(), None),
        (File, "https://example.org/?a=b#c".into(), None),
        (Image, "http://example.org/cat.png".into(), Some(BadRequest)),
        (Image, "javascript:alert(1)".into(), Some(BadRequest)),
        (Image, "https://".into(), Some(BadRequest)),
        (Image, "https:///cat.png".into(), Some(BadRequest)),
        (File, "https://example.org/a b".into(), Some(BadRequest)),
        (File, "https://example.org/a\u{7}b".into(), Some(BadRequest)),
        (File, " https://example.org".into(), Some(BadRequest)),
        (
            File,
            format!("https://e/{}", long("x", 1991)),
            Some(TooLarge),
        ),
        (Text, "http://example.org".into(), None),
    ];
    for (kind, content, outcome) in cases {
        let ask = SendMessage {
            kind,
            ..text(&room, &content)
        };
        let sent = stage.send(&user("ann"), ask, at(0));
        assert_eq!(
            sent.map_err(|fault| fault.refusal()).err(),
            outcome,
            "{kind:?} of {} characters: {:.40}",
            content.chars().count(),
            content
        );
    }
}

#[test]
fn an_edit_obeys_the_same_rules() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &[]);
    let ann = user("ann");
    let image = SendMessage {
        kind: MessageKind::Image,
        ..text(&room, "https://example.org/cat.png")
    };
    let image = stage.send(&ann, image, at(0)).unwrap().message.id;
    let words = stage
        .send(&ann, text(&room, "cat"), at(0))
        .unwrap()
        .message
        .id;
    let edit = |message, content: &str| {
        let content = content.into();
        let room = None;
        let ask = EditMessage {
            message,
            room,
            content,
        };
        now(stage.rooms.edit(permit(&ann, ask), at(1))).map(|edited| edited.content)
    };
    assert_eq!(refused(edit(words, "")), Refusal::BadRequest);
    assert_eq!(refused(edit(words, &"é".repeat(2001))), Refusal::TooLarge);
    assert_eq!(*edit(words, &"é".repeat(2000)).unwrap(), *"é".repeat(2000));
    assert_eq!(refused(edit(image, "a cat")), Refusal::BadRequest);
    assert_eq!(
        *edit(image, "https://example.org/dog").unwrap(),
        *"https://example.org/dog"
    );
}

#[test]
fn a_message_is_edited_as_long_as_the_limit_says() {
    for (edit_seconds, late) in [(0, None), (60, Some(Refusal::Forbidden))] {
        let stage = Stage::with(Limits {
            edit_seconds,
            ..Limits::default()
        });
        let room = stage.room("room", RoomKind::Private, &[]);
        let ann = user("ann");
        let message = stage
            .send(&ann, text(&room, "one"), at(0))
            .unwrap()
            .message
            .id;
        let edit = |content: &str, millis| {
            let content = content.into();
            let room = None;
            let ask = EditMessage {
                message,
                room,
                content,
            };
            let edited = now(stage.rooms.edit(permit(&ann, ask), at(millis)));
            edited.err().map(|fault| fault.refusal())
        };
        assert_eq!(edit("two", 60_000), None);
        assert_eq!(edit("three", 60_001), late);
    }
}

#[test]
fn a_key_of_a_message_is_1_to_128_bytes() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &[]);
    let keyed = |key: &str| {
        let ask = SendMessage {
            client_id: Some(key.into()),
            ..text(&room, "x")
        };
        stage
            .send(&user("ann"), ask, at(0))
            .err()
            .map(|fault| fault.refusal())
    };
    assert_eq!(keyed(""), Some(Refusal::BadRequest));
    assert_eq!(keyed("k"), None);
    assert_eq!(keyed(&"k".repeat(128)), None);
    assert_eq!(keyed(&"k".repeat(129)), Some(Refusal::BadRequest));
}

#[test]
fn a_room_to_be_created_is_checked() {
    use RoomKind::{Dm, Private, Public};
    let stage = Stage::new();
    let many: Vec<String> = (0..101).map(|number| format!("user{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "é".repeat(101);
    let cases: Vec<(RoomKind, Option<&str>, &[&str], Outcome)> = vec![
        (Public, Some("room"), &[], None),
        (Private, Some(&long[..200]), &["bob", "bob", "ann"], None),
        (Private, Some(&long), &[], Some(Refusal::BadRequest)),
        (Private, Some(""), &[], Some(Refusal::BadRequest)),
        (Private, Some("  "), &[], Some(Refusal::BadRequest)),
        (Private, Some("a\nb"), &[], Some(Refusal::BadRequest)),
        (Private, None, &[], Some(Refusal::BadRequest)),
        (Private, Some("room"), &many[..100], None),
        (Private, Some("room"), &many, Some(Refusal::BadRequest)),
        (Dm, None, &["bob"], None),
        (Dm, None, &["bob", "ann"], None),
        (Dm, None, &["bob", "eve"], Some(Refusal::BadRequest)),
        (Dm, None, &["ann"], Some(Refusal::BadRequest)),
        (Dm, None, &[], Some(Refusal::BadRequest)),
        (Dm, Some("us"), &["bob"], Some(Refusal::BadRequest)),
    ];
    for (number, (kind, name, members, outcome)) in cases.into_iter().enumerate() {
        let ask = CreateRoom {
            name: name.map(Into::into),
            description: None,
            kind,
            members: members.iter().map(|member| id_of(member)).collect(),
        };
        let id = room_id(&format!("room{number}"));
        let created = now(stage.rooms.create(permit(&user("ann"), ask), id, at(0)));
        let came = created.err().map(|fault| fault.refusal());
        assert_eq!(came, outcome, "{kind:?} {name:?} {members:?}");
    }
}

#[test]
fn a_bio_is_kept_up_to_500_characters() {
    let stage = Stage::new();
    let say = |bio: &str, seconds| {
        let ask = UpdateProfile {
            name: None,
            avatar: None,
            bio: Some(bio.into()),
        };
        now(stage
            .rooms
            .update_profile(permit(&user("ann"), ask), moment(seconds)))
    };
    let long = "é".repeat(500);
    let shown = say(&long, 3).unwrap();
    assert_eq!(shown.bio.as_deref(), Some(&*long));
    assert_eq!(shown.joined_at, Some(moment(3)), "when first heard of");
    assert_eq!(say("", 9).unwrap().bio, None);
    for bio in [&*"é".repeat(501), "a\0"] {
        assert_eq!(refused(say(bio, 9)), Refusal::BadRequest, "{bio:?}");
    }
}

#[test]
fn a_profile_is_checked_and_a_tokens_name_is_cut() {
    let stage = Stage::new();
    let change = |name: Option<&str>, avatar: Option<&str>| {
        let (name, avatar) = (name.map(Into::into), avatar.map(Into::into));
        let ask = UpdateProfile {
            name,
            avatar,
            bio: None,
        };
        now(stage
            .rooms
            .update_profile(permit(&user("ann"), ask), moment(0)))
    };
    let keep = |name: &str| {
        now(stage.rooms.keep_name(&id_of("ann"), name, moment(0))).unwrap();
        change(None, None).unwrap().profile.name
    };
    assert_eq!(*keep(""), *"ann");
    assert_eq!(*keep(" \u{1} "), *"ann");
    assert_eq!(*keep(" An\u{1}n \n"), *"Ann");
    assert_eq!(*keep(&"é".repeat(9000)), *"é".repeat(100));
    let long = format!("https://e/{}", "x".repeat(490));
    assert_eq!(
        change(Some("Ann B"), Some(&long))
            .unwrap()
            .profile
            .avatar
            .as_deref(),
        Some(&*long)
    );
    assert_eq!(*keep("Other"), *"Ann B", "one's own choice stays");
    assert_eq!(change(None, Some("")).unwrap().profile.avatar, None);
    for (name, avatar) in [
        (Some(""), None),
        (Some("a\u{7}"), None),
        (None, Some("http://example.org")),
        (None, Some(&*format!("{long}x"))),
    ] {
        assert_eq!(
            refused(change(name, avatar)),
            Refusal::BadRequest,
            "{name:?} {avatar:?}"
        );
    }
    // The room shows the name to those who hear it.
    let room = stage.room("room", RoomKind::Private, &[]);
    let _hears = stage
        .hub
        .join(&stage.rooms.hear(&follow(&user("ann"), &room), 0), 1);
    let sent = stage.send(&user("ann"), text(&room, "x"), at(0)).unwrap();
    assert_eq!(*sent.message.author.name, *"Ann B");
}
