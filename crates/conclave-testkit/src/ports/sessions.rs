//! What every implementation of `Sessions` does.

use conclave_auth::{OwnedSession, PortError, SessionStanding, Sessions};

use super::{both, second, session, user};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn sessions_conformance(sessions: &dyn Sessions) {
    the_first_to_claim_owns(sessions).await;
    one_of_two_at_the_same_time_owns(sessions).await;
    sharing(sessions).await;
    taking_a_share_back(sessions).await;
    strangers_change_nothing(sessions).await;
    a_deleted_name_is_free(sessions).await;
    claims_are_bounded(sessions).await;
    shares_are_bounded(sessions).await;
}

async fn claim(sessions: &dyn Sessions, name: &str, by: &str) -> SessionStanding {
    sessions
        .claim(&session(name), &user(by), second(0), 100)
        .await
        .unwrap()
}

async fn the_first_to_claim_owns(sessions: &dyn Sessions) {
    assert_eq!(sessions.owned(&user("ann")).await.unwrap(), []);
    assert_eq!(claim(sessions, "work", "ann").await, SessionStanding::Owner);
    assert_eq!(
        claim(sessions, "work", "bob").await,
        SessionStanding::Stranger
    );
    assert_eq!(
        claim(sessions, "Work", "bob").await,
        SessionStanding::Owner,
        "names are bytes"
    );
    let again = sessions
        .claim(&session("work"), &user("ann"), second(9), 100)
        .await
        .unwrap();
    assert_eq!(again, SessionStanding::Owner);
    let work = OwnedSession {
        name: session("work"),
        created_at: second(0),
        shared_with: Vec::new(),
    };
    assert_eq!(
        sessions.owned(&user("ann")).await.unwrap(),
        [work],
        "claimed once, at first"
    );
    assert_eq!(sessions.owned(&user("Ann")).await.unwrap(), []);
}

async fn one_of_two_at_the_same_time_owns(sessions: &dyn Sessions) {
    let standings = both(
        claim(sessions, "race", "race-a"),
        claim(sessions, "race", "race-b"),
    )
    .await;
    let (owner, stranger) = (SessionStanding::Owner, SessionStanding::Stranger);
    assert!(
        standings == (owner, stranger) || standings == (stranger, owner),
        "{standings:?}"
    );
}

async fn sharing(sessions: &dyn Sessions) {
    let (owner, name) = (user("carol"), session("share-b"));
    assert_eq!(
        claim(sessions, "share-b", "carol").await,
        SessionStanding::Owner
    );
    assert_eq!(
        claim(sessions, "share-a", "carol").await,
        SessionStanding::Owner
    );
    for with in ["zoe", "dave", "dave"] {
        sessions
            .share(&name, &owner, &user(with), 10)
            .await
            .unwrap();
    }
    assert_eq!(
        claim(sessions, "share-b", "dave").await,
        SessionStanding::Shared
    );
    assert_eq!(
        claim(sessions, "share-a", "dave").await,
        SessionStanding::Stranger
    );
    assert_eq!(
        claim(sessions, "share-b", "carol").await,
        SessionStanding::Owner
    );

    let owned = sessions.owned(&owner).await.unwrap();
    let shown: Vec<_> = owned
        .iter()
        .map(|s| (s.name.as_str(), s.shared_with.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("share-a", vec![]),
            ("share-b", vec![user("dave"), user("zoe")])
        ]
    );
    assert_eq!(
        sessions.owned(&user("dave")).await.unwrap(),
        [],
        "shared is not owned"
    );
}

async fn taking_a_share_back(sessions: &dyn Sessions) {
    let (owner, name) = (user("carol"), session("share-c"));
    assert_eq!(
        claim(sessions, "share-c", "carol").await,
        SessionStanding::Owner
    );
    for with in ["dave", "zoe"] {
        sessions
            .share(&name, &owner, &user(with), 10)
            .await
            .unwrap();
    }
    sessions
        .unshare(&name, &owner, &user("dave"))
        .await
        .unwrap();
    assert_eq!(
        claim(sessions, "share-c", "dave").await,
        SessionStanding::Stranger
    );
    assert_eq!(
        claim(sessions, "share-c", "zoe").await,
        SessionStanding::Shared
    );
    let twice = sessions.unshare(&name, &owner, &user("dave")).await;
    assert!(
        matches!(twice, Err(PortError::NotFound)),
        "there is no such share: {twice:?}"
    );
}

async fn strangers_change_nothing(sessions: &dyn Sessions) {
    let (owner, name) = (user("erin"), session("mine"));
    assert_eq!(
        claim(sessions, "mine", "erin").await,
        SessionStanding::Owner
    );
    sessions
        .share(&name, &owner, &user("frank"), 10)
        .await
        .unwrap();
    for stranger in [user("frank"), user("mallory")] {
        for answer in [
            sessions.delete(&name, &stranger).await,
            sessions.share(&name, &stranger, &user("mallory"), 10).await,
            sessions.unshare(&name, &stranger, &user("frank")).await,
        ] {
            assert!(
                matches!(answer, Err(PortError::NotFound)),
                "not theirs: {answer:?}"
            );
        }
    }
    for answer in [
        sessions.delete(&session("nowhere"), &owner).await,
        sessions
            .share(&session("nowhere"), &owner, &user("frank"), 10)
            .await,
        sessions
            .unshare(&session("nowhere"), &owner, &user("frank"))
            .await,
    ] {
        assert!(
            matches!(answer, Err(PortError::NotFound)),
            "no such session: {answer:?}"
        );
    }
    assert_eq!(
        claim(sessions, "mine", "frank").await,
        SessionStanding::Shared
    );
    assert_eq!(
        claim(sessions, "mine", "mallory").await,
        SessionStanding::Stranger
    );
}

async fn a_deleted_name_is_free(sessions: &dyn Sessions) {
    let (owner, name) = (user("gina"), session("gone"));
    assert_eq!(
        claim(sessions, "gone", "gina").await,
        SessionStanding::Owner
    );
    sessions
        .share(&name, &owner, &user("hugo"), 10)
        .await
        .unwrap();
    sessions.delete(&name, &owner).await.unwrap();
    assert_eq!(sessions.owned(&owner).await.unwrap(), []);
    let twice = sessions.delete(&name, &owner).await;
    assert!(
        matches!(twice, Err(PortError::NotFound)),
        "deleted already: {twice:?}"
    );

    let next = sessions
        .claim(&name, &user("ivan"), second(7), 100)
        .await
        .unwrap();
    assert_eq!(next, SessionStanding::Owner);
    assert_eq!(
        claim(sessions, "gone", "gina").await,
        SessionStanding::Stranger
    );
    assert_eq!(
        claim(sessions, "gone", "hugo").await,
        SessionStanding::Stranger,
        "shares ended"
    );
    assert_eq!(
        sessions.owned(&user("ivan")).await.unwrap()[0].created_at,
        second(7)
    );
}

async fn claims_are_bounded(sessions: &dyn Sessions) {
    let judy = user("judy");
    for name in ["bound-1", "bound-2"] {
        let standing = sessions
            .claim(&session(name), &judy, second(0), 2)
            .await
            .unwrap();
        assert_eq!(standing, SessionStanding::Owner);
    }
    let full = sessions
        .claim(&session("bound-3"), &judy, second(0), 2)
        .await;
    assert!(
        matches!(full, Err(PortError::Full(2))),
        "two are owned already: {full:?}"
    );
    let own = sessions
        .claim(&session("bound-1"), &judy, second(0), 2)
        .await
        .unwrap();
    assert_eq!(
        own,
        SessionStanding::Owner,
        "their own stays theirs at the bound"
    );
    assert_eq!(
        claim(sessions, "bound-4", "kim").await,
        SessionStanding::Owner
    );
    let other = sessions
        .claim(&session("bound-4"), &judy, second(0), 2)
        .await
        .unwrap();
    assert_eq!(
        other,
        SessionStanding::Stranger,
        "a taken name needs no room"
    );
    sessions.delete(&session("bound-1"), &judy).await.unwrap();
    let freed = sessions
        .claim(&session("bound-3"), &judy, second(0), 2)
        .await
        .unwrap();
    assert_eq!(freed, SessionStanding::Owner);
}

async fn shares_are_bounded(sessions: &dyn Sessions) {
    let (owner, name) = (user("lea"), session("crowd"));
    assert_eq!(
        claim(sessions, "crowd", "lea").await,
        SessionStanding::Owner
    );
    for with in ["m", "n", "m"] {
        sessions.share(&name, &owner, &user(with), 2).await.unwrap();
    }
    let full = sessions.share(&name, &owner, &user("o"), 2).await;
    assert!(
        matches!(full, Err(PortError::Full(2))),
        "two have it already: {full:?}"
    );
    sessions.share(&name, &owner, &user("n"), 2).await.unwrap();
    sessions.unshare(&name, &owner, &user("m")).await.unwrap();
    sessions.share(&name, &owner, &user("o"), 2).await.unwrap();
    assert_eq!(claim(sessions, "crowd", "o").await, SessionStanding::Shared);
}
