//! What users show of themselves.

use conclave_core::Page;
use conclave_protocol::{RoomKind, UpdateProfile};

use super::stage::{Stage, plain};
use crate::ports::{second, user};

pub(super) async fn all(stage: &Stage<'_>) {
    a_user_shows_a_name_and_a_picture(stage).await;
    a_user_says_something_and_joins_once(stage).await;
    a_token_names_who_has_no_name(stage).await;
    messages_show_their_author_as_now(stage).await;
    the_last_time_is_kept(stage).await;
}

fn set(name: Option<&str>, avatar: Option<&str>) -> UpdateProfile {
    UpdateProfile {
        name: name.map(Box::from),
        avatar: avatar.map(Box::from),
        bio: None,
    }
}

async fn a_user_shows_a_name_and_a_picture(stage: &Stage<'_>) {
    let ann = user("pr-ann");
    let unknown = stage.store.profile(&ann).await.unwrap();
    let profile = unknown.profile;
    assert_eq!((&*profile.name, profile.avatar), ("pr-ann", None));
    assert_eq!((unknown.bio, unknown.joined_at), (None, None));
    for (ask, name, avatar) in [
        (
            set(None, Some("https://a.example/1")),
            "pr-ann",
            Some("https://a.example/1"),
        ),
        (set(Some("Ann"), None), "Ann", Some("https://a.example/1")),
        (set(None, None), "Ann", Some("https://a.example/1")),
        (set(None, Some("")), "Ann", None),
    ] {
        let changed = stage
            .store
            .update_profile(&ann, ask, second(0))
            .await
            .unwrap();
        let shown = &changed.profile;
        assert_eq!((&*shown.name, shown.avatar.as_deref()), (name, avatar));
        assert_eq!(changed, stage.store.profile(&ann).await.unwrap());
    }
}

async fn a_user_says_something_and_joins_once(stage: &Stage<'_>) {
    let (ann, bob, eve) = (user("bio-ann"), user("bio-bob"), user("bio-eve"));
    let say = async |bio: Option<&str>, at| {
        let ask = UpdateProfile {
            bio: bio.map(Box::from),
            ..set(None, None)
        };
        let person = stage.store.update_profile(&ann, ask, second(at)).await;
        let person = person.unwrap();
        (person.bio, person.joined_at)
    };
    let said = Some(Box::from("I answer after lunch."));
    let joined = Some(second(3));
    assert_eq!(say(said.as_deref(), 3).await, (said.clone(), joined));
    assert_eq!(say(None, 4).await, (said, joined));
    assert_eq!(say(Some(""), 5).await, (None, joined));
    // Being named and being seen are ways to be heard of, too.
    stage.store.name(&bob, "Bob", second(6)).await.unwrap();
    let both = [bob.clone(), eve.clone()];
    stage.store.seen(&both, second(7)).await.unwrap();
    stage.store.seen(&both, second(8)).await.unwrap();
    for (who, at) in [(bob, 6), (eve, 7)] {
        let person = stage.store.profile(&who).await.unwrap();
        assert_eq!(person.joined_at, Some(second(at)), "{who:?}");
    }
}

async fn a_token_names_who_has_no_name(stage: &Stage<'_>) {
    let bob = user("pr-bob");
    let shown = async || stage.store.profile(&bob).await.unwrap().profile.name;
    for name in ["Robert", "Robert", "Rob"] {
        stage.store.name(&bob, name, second(0)).await.unwrap();
        assert_eq!(&*shown().await, name);
    }
    let own = set(Some("Bob"), None);
    stage
        .store
        .update_profile(&bob, own, second(0))
        .await
        .unwrap();
    stage.store.name(&bob, "Bobby", second(0)).await.unwrap();
    assert_eq!(&*shown().await, "Bob", "one's own name stands");
}

async fn messages_show_their_author_as_now(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "pr-carol", &[]).await;
    stage.say("pr-carol", &room, "hello").await;
    let named = set(Some("Carol"), Some("https://a.example/c"));
    let carol = user("pr-carol");
    stage
        .store
        .update_profile(&carol, named, second(0))
        .await
        .unwrap();
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    let page = stage
        .store
        .messages(&plain("pr-carol"), &room, page)
        .await
        .unwrap();
    assert_eq!(&*page.messages[0].author.name, "Carol");
    let members = stage
        .store
        .members(&plain("pr-carol"), &room, None, 9)
        .await
        .unwrap();
    assert_eq!(members[0].profile, page.messages[0].author);
    let sent = stage.say("pr-carol", &room, "again").await;
    assert_eq!(sent.author.avatar.as_deref(), Some("https://a.example/c"));
}

async fn the_last_time_is_kept(stage: &Stage<'_>) {
    let (ann, bob, eve) = (user("ls-ann"), user("ls-bob"), user("ls-eve"));
    let seen = async |users: &[_], at| stage.store.seen(users, second(at)).await.unwrap();
    seen(&[ann.clone(), bob.clone()], 5).await;
    seen(std::slice::from_ref(&ann), 9).await;
    seen(std::slice::from_ref(&bob), 3).await;
    seen(&[], 3).await;
    let asked = [bob.clone(), eve.clone(), ann.clone()];
    let mut times = stage.store.last_seen(&asked).await.unwrap();
    times.sort();
    assert_eq!(times, [(ann.clone(), second(9)), (bob, second(5))]);
    stage.store.name(&ann, "Ann", second(9)).await.unwrap();
    let kept = stage
        .store
        .last_seen(std::slice::from_ref(&ann))
        .await
        .unwrap();
    assert_eq!(kept, [(ann, second(9))]);
}
