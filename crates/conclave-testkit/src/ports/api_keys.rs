//! What every implementation of `ApiKeys` does.

use conclave_auth::{ApiKey, ApiKeyId, ApiKeyName, ApiKeys, PortError, SecretHash};
use conclave_protocol::Timestamp;

use super::{both, second};

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the implementation differs.
pub async fn api_keys_conformance(keys: &dyn ApiKeys) {
    let none = keys.list_keys(None, 10).await.unwrap();
    assert_eq!(none, [], "the suite wants an empty store");
    a_key_is_found_by_its_hash_alone(keys).await;
    keys_are_listed_by_id_in_pages(keys).await;
    ids_hashes_and_live_names_are_taken_once(keys).await;
    a_revoked_key_stays_with_its_first_moment(keys).await;
    the_name_of_a_revoked_key_is_free_again(keys).await;
    uses_only_move_forward(keys).await;
    of_two_that_add_a_name_one_wins(keys).await;
}

fn key(number: u8, name: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId([number; 8]),
        name: ApiKeyName::new(name).unwrap(),
        permissions: vec!["server.publish".to_owned(), "topic.publish:a.*".to_owned()],
        created_at: Timestamp::from_millis(1_700_000_000_123),
        expires_at: None,
        revoked_at: None,
        last_used: None,
    }
}

fn hash(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

async fn found(keys: &dyn ApiKeys, number: u8) -> ApiKey {
    keys.find_key(hash(number)).await.unwrap().unwrap()
}

async fn a_key_is_found_by_its_hash_alone(keys: &dyn ApiKeys) {
    let mut first = key(2, "billing");
    first.expires_at = Some(second(90));
    keys.add_key(&first, hash(2)).await.unwrap();
    assert_eq!(found(keys, 2).await, first);
    assert_eq!(keys.find_key(hash(3)).await.unwrap(), None);
}

async fn keys_are_listed_by_id_in_pages(keys: &dyn ApiKeys) {
    let (lower, upper) = (key(1, "b"), key(0xff, "a"));
    keys.add_key(&upper, hash(0xff)).await.unwrap();
    keys.add_key(&lower, hash(1)).await.unwrap();
    let ids = |page: Vec<ApiKey>| page.iter().map(|key| key.id.0[0]).collect::<Vec<_>>();
    let page = |after, limit| keys.list_keys(after, limit);
    assert_eq!(ids(page(None, 10).await.unwrap()), [1, 2, 0xff]);
    assert_eq!(ids(page(None, 2).await.unwrap()), [1, 2]);
    let rest = page(Some(ApiKeyId([2; 8])), 2).await.unwrap();
    assert_eq!(rest, [upper]);
}

async fn ids_hashes_and_live_names_are_taken_once(keys: &dyn ApiKeys) {
    for (twin, hash) in [
        (key(2, "other"), hash(40)),
        (key(40, "other"), hash(2)),
        (key(40, "billing"), hash(40)),
    ] {
        let refused = keys.add_key(&twin, hash).await;
        assert!(matches!(refused, Err(PortError::Conflict)), "{twin:?}");
    }
    assert_eq!(keys.find_key(hash(40)).await.unwrap(), None);
    keys.add_key(&key(41, "Billing"), hash(41)).await.unwrap();
}

async fn a_revoked_key_stays_with_its_first_moment(keys: &dyn ApiKeys) {
    keys.revoke_key(ApiKeyId([2; 8]), second(5)).await.unwrap();
    keys.revoke_key(ApiKeyId([2; 8]), second(9)).await.unwrap();
    assert_eq!(found(keys, 2).await.revoked_at, Some(second(5)));
    assert_eq!(found(keys, 1).await.revoked_at, None);
    let nobody = keys.revoke_key(ApiKeyId([77; 8]), second(5)).await;
    assert!(matches!(nobody, Err(PortError::NotFound)), "{nobody:?}");
}

async fn the_name_of_a_revoked_key_is_free_again(keys: &dyn ApiKeys) {
    keys.add_key(&key(42, "billing"), hash(42)).await.unwrap();
    let again = keys.add_key(&key(43, "billing"), hash(43)).await;
    assert!(matches!(again, Err(PortError::Conflict)), "{again:?}");
}

async fn uses_only_move_forward(keys: &dyn ApiKeys) {
    let (one, other, nobody) = (ApiKeyId([1; 8]), ApiKeyId([42; 8]), ApiKeyId([77; 8]));
    keys.keys_used(&[]).await.unwrap();
    let uses = [(one, second(7)), (nobody, second(7)), (other, second(8))];
    keys.keys_used(&uses).await.unwrap();
    keys.keys_used(&[(one, second(6)), (other, second(9))])
        .await
        .unwrap();
    assert_eq!(found(keys, 1).await.last_used, Some(second(7)));
    assert_eq!(found(keys, 42).await.last_used, Some(second(9)));
    assert_eq!(found(keys, 2).await.last_used, None);
}

async fn of_two_that_add_a_name_one_wins(keys: &dyn ApiKeys) {
    let (left, right) = (key(50, "race"), key(51, "race"));
    let (left, right) = both(
        keys.add_key(&left, hash(50)),
        keys.add_key(&right, hash(51)),
    )
    .await;
    assert!(left.is_ok() ^ right.is_ok(), "{left:?} {right:?}");
}
