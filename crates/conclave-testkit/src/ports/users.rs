//! What every implementation of `Users` does.

use conclave_auth::{PasswordHash, PortError, StoredUser, UserChange, UserState, Users};

use super::{both, second, user};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn users_conformance(users: &dyn Users) {
    adding_and_finding(users).await;
    listing_in_byte_order(users).await;
    replacing_the_password_hash(users).await;
    changing_unknown_users(users).await;
    changes_tell_the_latest_state(users).await;
    deleted_names_can_be_added_again(users).await;
    changes_come_in_pages(users).await;
}

fn stored(name: &str) -> StoredUser {
    StoredUser {
        name: user(name),
        password_hash: PasswordHash(format!("hash of {name}")),
        roles: vec!["moderator".to_owned(), "user".to_owned()],
        permissions: vec!["topic.publish:orders.*".to_owned()],
        disabled: false,
    }
}

async fn adding_and_finding(users: &dyn Users) {
    assert_eq!(users.find(&user("add-1")).await.unwrap(), None);
    let mut first = stored("add-1");
    users.add(&first, second(0)).await.unwrap();
    assert_eq!(
        users.find(&user("add-1")).await.unwrap(),
        Some(first.clone())
    );
    let taken = users.add(&first, second(1)).await;
    assert!(
        matches!(taken, Err(PortError::Conflict)),
        "a taken name is a conflict: {taken:?}"
    );

    // Names are bytes: no case folding, no trimming, no normal form.
    for odd in ["ADD-1", " add-1", "añadir", "an\u{303}adir", "100%_'\"\\"] {
        assert_eq!(
            users.find(&user(odd)).await.unwrap(),
            None,
            "{odd:?} was never added"
        );
        users.add(&stored(odd), second(2)).await.unwrap();
        assert_eq!(users.find(&user(odd)).await.unwrap(), Some(stored(odd)));
    }

    let mut refused = stored("add-2");
    (refused.disabled, refused.roles, refused.permissions) = (true, Vec::new(), Vec::new());
    users.add(&refused, second(3)).await.unwrap();
    assert_eq!(users.find(&user("add-2")).await.unwrap(), Some(refused));

    first.name = user("add-3");
    let (left, right) = both(users.add(&first, second(4)), users.add(&first, second(4))).await;
    let added = usize::from(left.is_ok()) + usize::from(right.is_ok());
    assert_eq!(
        added, 1,
        "of two that add one name at the same time one wins"
    );
}

async fn listing_in_byte_order(users: &dyn Users) {
    for name in ["list-b", "list-B", "list-é", "list-a"] {
        users.add(&stored(name), second(10)).await.unwrap();
    }
    let names = async |after: &str, limit| {
        let page = users.list(Some(&user(after)), limit).await.unwrap();
        page.iter()
            .map(|stored| stored.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("list-", 3).await, ["list-B", "list-a", "list-b"]);
    assert_eq!(names("list-a", 1).await, ["list-b"]);
    assert_eq!(
        names("list-b", 1).await,
        ["list-é"],
        "`after` itself is left out"
    );
    assert_eq!(names("list-a", 0).await, [""; 0]);
    assert_eq!(names("añ", 1).await, ["añadir"]);

    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = users.list(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2, "a page holds at most `limit`");
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        walked.extend(page);
    }
    assert_eq!(walked, users.list(None, 1000).await.unwrap());
    assert!(
        walked
            .iter()
            .zip(walked.iter().skip(1))
            .all(|(a, b)| a.name < b.name)
    );
    assert!(walked.contains(&stored("list-b")), "a listed user is whole");
}

async fn replacing_the_password_hash(users: &dyn Users) {
    let before = stored("hash-1");
    users.add(&before, second(20)).await.unwrap();
    let revision = last_revision(users).await;
    let new = PasswordHash("new".to_owned());

    users
        .set_password_hash(&before.name, &before.password_hash, &new)
        .await
        .unwrap();
    let after = users.find(&before.name).await.unwrap().unwrap();
    assert_eq!(
        after,
        StoredUser {
            password_hash: new.clone(),
            ..before.clone()
        }
    );

    let stale = users
        .set_password_hash(&before.name, &before.password_hash, &new)
        .await;
    assert!(
        matches!(stale, Err(PortError::Conflict)),
        "the hash is another by now: {stale:?}"
    );
    assert_eq!(
        users
            .find(&before.name)
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        new
    );
    let unknown = users.set_password_hash(&user("hash-2"), &new, &new).await;
    assert!(
        matches!(unknown, Err(PortError::NotFound)),
        "no such user: {unknown:?}"
    );

    assert_eq!(
        last_revision(users).await,
        revision,
        "a new hash is no change in the feed"
    );
}

async fn changing_unknown_users(users: &dyn Users) {
    let nobody = user("nobody");
    let before = last_revision(users).await;
    for answer in [
        users.set_grants(&nobody, &[], &[], second(30)).await,
        users.set_disabled(&nobody, true, second(30)).await,
        users.remove(&nobody, second(30)).await,
    ] {
        assert!(
            matches!(answer, Err(PortError::NotFound)),
            "no such user: {answer:?}"
        );
    }
    assert_eq!(last_revision(users).await, before);
}

async fn changes_tell_the_latest_state(users: &dyn Users) {
    let name = user("change-1");
    let before = last_revision(users).await;
    users.add(&stored("change-1"), second(40)).await.unwrap();
    let active = |roles: &[&str], permissions: &[&str]| UserState::Active {
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
    };

    let added = only_change(users, before).await;
    assert_eq!(added.at, second(40));
    assert_eq!(
        added.state,
        active(&["moderator", "user"], &["topic.publish:orders.*"])
    );

    users
        .set_grants(&name, &["admin".to_owned()], &[], second(41))
        .await
        .unwrap();
    let granted = only_change(users, before).await;
    assert!(
        granted.revision > added.revision,
        "every change has a revision of its own"
    );
    assert_eq!(
        (granted.at, granted.state),
        (second(41), active(&["admin"], &[]))
    );
    assert_eq!(users.changes(granted.revision, 10).await.unwrap(), []);

    users.set_disabled(&name, true, second(42)).await.unwrap();
    let disabled = only_change(users, granted.revision).await;
    assert_eq!(
        (disabled.at, disabled.state),
        (second(42), UserState::Disabled)
    );
    assert!(users.find(&name).await.unwrap().unwrap().disabled);

    users
        .set_grants(&name, &[], &["x.y".to_owned()], second(43))
        .await
        .unwrap();
    let still = only_change(users, disabled.revision).await;
    assert_eq!(still.state, UserState::Disabled, "grants do not enable");

    users.set_disabled(&name, false, second(44)).await.unwrap();
    let enabled = only_change(users, still.revision).await;
    assert_eq!(
        (enabled.at, enabled.state),
        (second(44), active(&[], &["x.y"]))
    );
}

async fn deleted_names_can_be_added_again(users: &dyn Users) {
    let name = user("again-1");
    let before = last_revision(users).await;
    users.add(&stored("again-1"), second(50)).await.unwrap();
    users.set_disabled(&name, true, second(51)).await.unwrap();
    users.remove(&name, second(52)).await.unwrap();
    assert_eq!(users.find(&name).await.unwrap(), None);
    assert!(
        users
            .list(Some(&user("again-")), 1)
            .await
            .unwrap()
            .iter()
            .all(|u| u.name != name)
    );
    let gone = only_change(users, before).await;
    assert_eq!((gone.at, gone.state), (second(52), UserState::Deleted));
    let twice = users.remove(&name, second(53)).await;
    assert!(
        matches!(twice, Err(PortError::NotFound)),
        "deleted already: {twice:?}"
    );
    let granted = users.set_grants(&name, &[], &[], second(53)).await;
    assert!(
        matches!(granted, Err(PortError::NotFound)),
        "a deleted user has no grants"
    );
    let hash = stored("again-1").password_hash;
    let hashed = users.set_password_hash(&name, &hash, &hash).await;
    assert!(
        matches!(hashed, Err(PortError::NotFound)),
        "a deleted user has no password"
    );

    users.add(&stored("again-1"), second(54)).await.unwrap();
    let back = only_change(users, gone.revision).await;
    assert_eq!(back.at, second(54));
    assert!(
        matches!(back.state, UserState::Active { .. }),
        "a new user is enabled: {back:?}"
    );
    assert_eq!(users.find(&name).await.unwrap(), Some(stored("again-1")));
}

async fn changes_come_in_pages(users: &dyn Users) {
    let before = last_revision(users).await;
    for name in ["page-c", "page-a", "page-b"] {
        users.add(&stored(name), second(60)).await.unwrap();
    }
    users
        .set_disabled(&user("page-c"), true, second(61))
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut revision = before;
    loop {
        let page = users.changes(revision, 1).await.unwrap();
        assert!(page.len() <= 1, "a page holds at most `limit`");
        let Some(change) = page.into_iter().next() else {
            break;
        };
        assert!(
            change.revision > revision,
            "oldest first, after the revision asked for"
        );
        revision = change.revision;
        seen.push(change.name.to_string());
    }
    assert_eq!(
        seen,
        ["page-a", "page-b", "page-c"],
        "one entry per user, at its latest change"
    );
}

async fn last_revision(users: &dyn Users) -> u64 {
    users
        .changes(0, u32::MAX)
        .await
        .unwrap()
        .last()
        .map_or(0, |change| change.revision)
}

/// The one change after `revision`.
async fn only_change(users: &dyn Users, revision: u64) -> UserChange {
    let mut changes = users.changes(revision, 10).await.unwrap();
    assert_eq!(changes.len(), 1, "one entry per user: {changes:?}");
    changes.remove(0)
}
